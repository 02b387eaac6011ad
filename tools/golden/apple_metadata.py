#!/usr/bin/env python3
"""Makes data/golden/apple: what Apple's SDK says of the classes, structures and enumerations that
include/mps binds, read from packages whose makers extracted it from the SDK. No Mac is needed.

    tools/golden/apple_metadata.py [DOWNLOADS]

Needs pip, nothing else. Three sources, kept apart in the first column:

  wheel      pyobjc-framework-{Cocoa,Metal,MetalPerformanceShaders}, macOS wheels, `_metadata.py`:
             all of the structures, enumerations and functions; methods of protocols; of classes
             only what the bridge cannot guess (`?` where it says nothing)
  sdk        the same packages' source archives, `metadata/raw*/*.fwinfo`: every declaration, dumped
             from the macOS SDK; the dumps for arm64 and x86_64 must agree
  metal-cpp  Apple's own C++ headers, in the wheel mlx-metal: Foundation and Metal, no MPS

Types are Objective-C encodings without qualifiers, BOOL and bool are Z, a block is
@?(result,arguments). Arguments are set apart by spaces.
"""

import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types
import zipfile

OUT = pathlib.Path(__file__).resolve().parents[2] / "data" / "golden" / "apple"
PYOBJC, MLX_METAL = "12.2.2", "0.32.4"
FRAMEWORKS = {  # package: module
    "Cocoa": "Foundation",
    "Metal": "Metal",
    "MetalPerformanceShaders": "MetalPerformanceShaders",
}
CLASSES = re.compile(
    r"NS(Object|String|Array|Dictionary|Number|URL|Data|Error)$"
    r"|MTL(Device|CommandQueue|CommandBuffer|CommandBufferEncoderInfo|CommandEncoder"
    r"|ComputeCommandEncoder|BlitCommandEncoder|ComputePipelineState|Library|Function|Allocation"
    r"|Resource|Buffer|Heap|Event|SharedEvent|SharedEventListener|Fence|ResidencySet|CompileOptions"
    r"|FunctionConstantValues|FunctionConstant|FunctionDescriptor|ComputePipelineDescriptor"
    r"|CommandBufferDescriptor|CommandQueueDescriptor|HeapDescriptor|ResidencySetDescriptor"
    r"|Architecture|ComputePassDescriptor)$"
    r"|MPS(Kernel|Predicate|CommandBuffer|(Temporary)?(Matrix|Vector|NDArray)|Matrix\w+|NDArray\w+"
    r"|VectorDescriptor)$"
)
ENUMS = re.compile(
    r"MTL(CommandBufferStatus|CommandBufferError|CommandEncoderErrorState|DispatchType|BarrierScope"
    r"|Resource|StorageMode|CPUCacheMode|HazardTrackingMode|PurgeableState|HeapType|GPUFamily"
    r"|LanguageVersion|Library|MathMode|MathFloatingPoint|FunctionType|PipelineOption"
    r"|ArgumentBuffersTier|DataType)"
    r"|MPS(DataType|KernelOptions|MatrixDecompositionStatus|MatrixRandomDistribution"
    r"|AliasingStrategy|NDArrayQuantization|CNNNeuronType|DeviceOptions)"
)
STRUCTS = re.compile(
    r"NSRange|MTL(Size|Origin|Region|SizeAndAlign|ResourceID)$"
    r"|MTLDispatchThreadgroupsIndirectArguments$"
    r"|MPS(DimensionSlice|MatrixOffset|MatrixCopyOffsets|NDArrayOffsets)$"
)
FUNCTIONS = re.compile(
    r"MTLCreateSystemDefaultDevice$|MTLCopyAllDevices$"
    r"|MPS(SupportsMTLDevice|GetPreferredDevice|HintTemporaryMemoryHighWaterMark"
    r"|SetHeapCacheDuration|SizeofMPSDataType)$"
)


def encoding(text):
    """An encoding as this table writes it."""
    if text is None:
        return "?"
    text = text.decode() if isinstance(text, bytes) else text
    text = re.sub(r"^[rnNoORV]+(?=[\^@*\w{\[])", "", text)
    # `t` is the bridge's own letter for a char of text; `?` alone is an object of a generic class.
    # `z` is one for a char that is a number, signed or not.
    same = {"z": "?", "^t": "*", "^c": "*", "r*": "*", "?": "@", "^?": "^@", "B": "Z"}
    return same.get(text, text)


def block(described):
    """@?(result,arguments) of a described callable, less the block itself."""
    arguments = described.get("arguments", {})
    arguments = {int(k): v for k, v in arguments.items()}
    kept = [encoding(arguments[i].get("type")) for i in sorted(arguments) if i > 0]
    return "@?(" + ",".join([encoding(described["retval"]["type"])] + kept) + ")"


def type_of(described, key):
    if not described:
        return "?"
    if "callable" in described:
        return block(described["callable"])
    return encoding(described[key]) if key in described else "?"


def split_encodings(text):
    """'v@Q{MTLSize=QQQ}' as its parts."""
    parts, at = [], 0
    while at < len(text):
        start, depth = at, 0
        while text[at] in "^rnNoORV":
            at += 1
        while True:
            depth += text[at] in "{[(<"
            depth -= text[at] in "}])>"
            at += 1
            if depth == 0:
                break
        if text[start:at] == "@" and text[at : at + 1] == "?":
            at += 1
        parts.append(text[start:at])
    return parts


# --- wheels of pyobjc


class Bridge(types.ModuleType):
    """Stands in for PyObjC while its metadata runs, and writes down what it is told."""

    arch = "arm64"

    def __init__(self):
        super().__init__("objc")
        self.methods, self.structs, self.inits = [], [], []

    def __getattr__(self, name):
        return lambda *args, **kwargs: None

    def createStructType(self, name, text, fields, *rest):
        self.structs.append((name.split(".")[-1], text, fields))

    def registerMetaDataForSelector(self, name, selector, described):
        self.methods.append((name.decode(), selector.decode(), described))

    def registerNewKeywordsFromSelector(self, name, selector):
        self.inits.append((name, selector.decode()))


def read_wheel(wheel, module):
    bridge = Bridge()
    sys.modules["objc"] = bridge
    source = zipfile.ZipFile(wheel).read(f"{module}/_metadata.py").decode()
    scope = {"__name__": "metadata"}
    exec(compile(source, module, "exec"), scope)
    return bridge, scope


def wheel_method(name, selector, described):
    count = selector.count(":")
    arguments = {int(k): v for k, v in described.get("arguments", {}).items()}
    result = type_of(described.get("retval"), "type")
    types_ = [type_of(arguments.get(i + 2), "type") for i in range(count)]
    # A protocol's method is described in full, and then what is not mentioned is void.
    if "required" in described and result == "?":
        result = "v"
    return ("wheel", name, "?", selector, result, " ".join(types_))


def wheel_rows(path, module):
    bridge, scope = read_wheel(path, module)
    methods = {
        wheel_method(*m) for m in bridge.methods if m[0] == "NSObject" or CLASSES.match(m[0])
    }
    for name, selector in bridge.inits:
        if CLASSES.match(name) and not any(m[1:4:2] == (name, selector) for m in methods):
            unknown = " ".join("?" * selector.count(":"))
            methods.add(("wheel", name, "-", selector, "?", unknown))
    structs = {
        ("wheel", n, encoding(t), ",".join(f)) for n, t, f in bridge.structs if STRUCTS.match(n)
    }
    enums = set()
    for item in scope["enums"].split("$"):
        name, _, value = item.partition("@")
        if ENUMS.match(name):
            enums.add(("wheel", name, str(int(value))))
    functions = set()
    for name, (text, *_) in scope["functions"].items():
        if FUNCTIONS.match(name):
            result, *arguments = [encoding(t) for t in split_encodings(text.decode())]
            functions.add(("wheel", name, result, " ".join(arguments)))
    return methods, structs, enums, functions


# --- source archives of pyobjc


def read_dump(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return json.loads("\n".join(line for line in lines if not line.startswith("//")))["definitions"]


def dump_type(described):
    inner = described.get("callable")
    return block(inner) if inner and "retval" in inner else encoding(described["typestr"])


def ancestors(name, classes, protocols):
    """What a class inherits from and which protocols it has, nearest first."""
    here = classes.get(name) or protocols.get(name) or {}
    direct = [here["super"]] if here.get("super") else []
    direct += here.get("protocols", []) + here.get("implements", [])
    found = dict.fromkeys(direct)
    for parent in direct:
        if parent != name:
            found |= dict.fromkeys(ancestors(parent, classes, protocols))
    return list(found)


def dump_rows(path):
    dump = read_dump(path)
    methods = set()
    for name, described in (dump["classes"] | dump["formal_protocols"]).items():
        for method in described["methods"] if CLASSES.match(name) else ():
            # A va_list is the one type that differs between processors; nothing here takes one.
            if "Coder:" in method["selector"] or "arguments:" in method["selector"]:
                continue
            arguments = " ".join(dump_type(a) for a in method["args"])
            kind = "+" if method["class_method"] else "-"
            result = dump_type(method["retval"])
            methods.add(("sdk", name, kind, method["selector"], result, arguments))
    parents = {
        ("sdk", n, ",".join(ancestors(n, dump["classes"], dump["formal_protocols"])))
        for n, described in (dump["classes"] | dump["formal_protocols"]).items()
        if CLASSES.match(n) and n != "NSObject"
    }
    structs = {
        ("sdk", n, encoding(s["typestr"]), ",".join(s["fieldnames"]))
        for n, s in dump["structs"].items()
        if STRUCTS.match(n)
    }
    enums = {
        ("sdk", n, str(e["value"])) for n, e in dump["enum"].items() if ENUMS.match(n)
    }
    storage = {
        ("sdk", n, encoding(e["type"])) for n, e in dump["enum_type"].items() if ENUMS.match(n)
    }
    functions = set()
    for name, function in dump["functions"].items():
        if FUNCTIONS.match(name):
            arguments = [encoding(a["typestr"]) for a in function["args"]]
            arguments = [] if arguments == ["v"] else arguments
            row = ("sdk", name, encoding(function["retval"]["typestr"]), " ".join(arguments))
            functions.add(row)
    return methods, structs, enums, functions, storage, parents


# --- metal-cpp

SCALARS = {
    "void": "v",
    "bool": "Z",
    "NS::UInteger": "Q",
    "UInteger": "Q",
    "NS::Integer": "q",
    "Integer": "q",
    "uint64_t": "Q",
    "uint8_t": "C",
    "uint32_t": "I",
    "int": "i",
    "unsigned int": "I",
    "long long": "q",
    "unsigned long long": "Q",
    "long": "q",
    "unsigned long": "Q",
    "float": "f",
    "double": "d",
    "CFTimeInterval": "d",
    "GPUAddress": "Q",
    "MTL::GPUAddress": "Q",
    "NS::Range": "{_NSRange=QQ}",
    "MTL::Size": "{MTLSize=QQQ}",
    "MTL::SizeAndAlign": "{MTLSizeAndAlign=QQ}",
    "MTL::ResourceID": "{MTLResourceID=Q}",
    "SEL": ":",
    "const char*": "*",
    "void*": "^v",
    "const void*": "^v",
    "NS::UInteger*": "^Q",
    "const NS::UInteger*": "^Q",
    "NS::Error**": "^@",
    "Error**": "^@",
    "_Class*": "@",
}
SEND = re.compile(
    r"^(?:template <[^>]*>\n)?_(?:MTL|NS)_INLINE "
    r"(?P<result>[^\n]*?) ?(?:MTL|NS)::(?P<name>\w+)::\w+"
    r"\((?P<parameters>[^\n]*?)\)(?: const)?\n\{\n(?P<body>[^}]*)\}",
    re.MULTILINE,
)
CALL = re.compile(
    r"sendMessage(?:Safe)?<(?P<result>[^(]*)>\((?P<to>[^,]*?(?:\([^)]*\))?), "
    r"_(?:MTL|NS)_PRIVATE_SEL\((?P<selector>\w+)\)(?P<arguments>[^;]*)\);"
)


def cpp_type(text, enums):
    """The encoding of a type as metal-cpp spells it, or `?`."""
    text = re.sub(r"\s+", " ", text.strip())
    if re.search(r"\bblock\b|Block\b|Handler\b|\(\^\)|deallocator", text):
        return "@?"
    text = re.sub(r"\[\]$", "*", re.sub(r" ?(const )?(\w+)(\[\])$", r" *", text))
    text = text.replace(" *", "*").replace("* const*", "**").replace("*const*", "**")
    bare = text.removeprefix("const ").removeprefix("class ")
    for name in (text, bare):
        if name in SCALARS:
            return SCALARS[name]
    name = bare.split("::")[-1]
    if name in enums:
        return enums[name]
    if bare.endswith("**") or re.match(r"(MTL::)?Autoreleased\w+\*$", bare):
        return "^@"
    return "@" if bare.endswith("*") and re.match(r"[\w:]+\*$", bare) else "?"


def parameter(text):
    """(type, name) of 'const MTL::Buffer* const buffers[]'."""
    array = text.endswith("[]")
    match = re.match(r"(.*?)(\w+)$", text.strip().removesuffix("[]"))
    if not match:  # a type that nothing here takes, `int[4]` in the middle
        return "?", ""
    kind, name = match.group(1).strip(), match.group(2)
    return (re.sub(r"\* const$", "*", kind) + "*" if array else kind), name


def metal_cpp_rows(wheel):
    archive = zipfile.ZipFile(wheel)
    root = "mlx/include/metal_cpp/"
    texts = {
        n: archive.read(n).decode()
        for n in archive.namelist()
        if re.match(root + r"(Foundation/NS|Metal/MTL[A-Z]?(?!4))\w*\.hpp$", n)
    }
    everything = "\n".join(texts.values())
    declared = re.findall(r"_(?:MTL|NS)_(?:ENUM|OPTIONS)\(([\w:]+), (\w+)\)", everything)
    storage = {name: SCALARS[kind] for kind, name in declared if kind in SCALARS}
    selectors = dict(
        re.findall(r'_(?:MTL|NS)_PRIVATE_DEF_SEL\((\w+),\s*"([^"]+)"', everything)
    )
    return {
        row
        for path, text in texts.items()
        for match in SEND.finditer(text)
        for row in [metal_cpp_row(match, path, selectors, storage)]
        if row and CLASSES.match(row[1])
    }


def metal_cpp_row(match, path, selectors, storage):
    space = "NS" if "/Foundation/" in path else "MTL"
    call = CALL.search(match["body"])
    if not call or call["selector"] not in selectors:
        return None
    text = re.sub(r"void \(\^(\w+)\)\([^)]*\)", r"Block \1", match["parameters"])
    parameters = [parameter(p) for p in text.split(",") if p.strip()]
    kinds = {name: kind for kind, name in parameters}
    arguments = [a.strip() for a in call["arguments"].split(",") if a.strip()]
    types_ = [cpp_type(kinds.get(a, "?"), storage) for a in arguments]
    selector = selectors[call["selector"]]
    if len(types_) != selector.count(":"):
        return None
    kind = {"this": "-", "pObj": "-"}.get(call["to"].strip(), "+")
    result = cpp_type(call["result"], storage)
    return ("metal-cpp", space + match["name"], kind, selector, result, " ".join(types_))


# --- getting and writing


def pip_download(folder, *arguments, **kwargs):
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    return subprocess.run(command + list(arguments), **kwargs)


def fetch(folder):
    """Wheels into `folder`, source archives unpacked under `folder`/source."""
    mac = ["--only-binary=:all:", "--python-version", "312", "--implementation", "cp"]
    for package in FRAMEWORKS:
        name = f"pyobjc-framework-{package}=={PYOBJC}"
        pip_download(folder, "--platform", "macosx_10_13_universal2", *mac, name, check=True)
        # pip unpacks the archive, then fails to build it here; what it unpacked is what is wanted.
        unpacked = folder / "source" / package
        unpacked.mkdir(parents=True, exist_ok=True)
        if not list(unpacked.rglob("*.fwinfo")):
            environment = {**os.environ, "TMPDIR": str(unpacked)}
            arguments = ["--no-clean", "--no-binary", ":all:", name]
            pip_download(folder, *arguments, env=environment, capture_output=True)
    name = f"mlx-metal=={MLX_METAL}"
    pip_download(folder, "--platform", "macosx_14_0_arm64", *mac, name, check=True)


def one(pattern):
    found = sorted(glob.glob(str(pattern), recursive=True))
    if len(found) != 1:
        sys.exit(f"{pattern}: {len(found)} files, one was expected")
    return pathlib.Path(found[0])


def dump_of(folder, package, module, machine):
    raw = "raw.Foundation" if module == "Foundation" else "raw"
    return one(folder / "source" / package / "**" / "metadata" / raw / f"{machine}-*.fwinfo")


def gather(folder):
    tables = [set() for _ in HEADS]
    for package, module in FRAMEWORKS.items():
        wheel = one(folder / f"pyobjc_framework_{package.lower()}-{PYOBJC}-*.whl")
        rows = dump_rows(dump_of(folder, package, module, "arm64"))
        if rows != dump_rows(dump_of(folder, package, module, "x86_64")):
            sys.exit(f"{package}: the dumps for arm64 and x86_64 differ")
        for table, new in zip(tables, rows):
            table |= new
        for table, new in zip(tables, wheel_rows(wheel, module)):
            table |= new
    tables[0] |= metal_cpp_rows(one(folder / f"mlx_metal-{MLX_METAL}-*.whl"))
    tables[0] -= unusable(folder, tables[0])
    return tables


def unusable(folder, rows):
    """Of what the wheels file under NSObject: what no protocol bound here has, and selectors that
    two protocols declare with different types, since the wheel keeps one of them."""
    bound = {row[3] for row in rows if row[0] == "sdk"}
    types_ = {}
    for package, module in FRAMEWORKS.items():
        dump = read_dump(dump_of(folder, package, module, "arm64"))
        for protocol in dump["formal_protocols"].values():
            for m in protocol["methods"]:
                signature = (dump_type(m["retval"]), *map(dump_type, m["args"]))
                types_.setdefault(m["selector"], set()).add(signature)
    return {
        row
        for row in rows
        if row[:2] == ("wheel", "NSObject")
        and (row[3] not in bound or len(types_.get(row[3], ())) > 1)
    }


HEADS = {
    "methods": "source class kind selector result arguments",
    "structs": "source name encoding fields",
    "enums": "source name value",
    "functions": "source name result arguments",
    "storage": "source enum encoding",
    "parents": "source class ancestors",
}


def write(name, rows):
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.tsv"
    lines = ["#" + "\t".join(HEADS[name].split())] + ["\t".join(row) for row in sorted(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(rows)} rows")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        fetch(folder)
        for name, rows in zip(HEADS, gather(folder)):
            write(name, rows)
    versions = {f"pyobjc-framework-{p}": PYOBJC for p in FRAMEWORKS} | {
        "mlx-metal": MLX_METAL,
        "sdk": "macOS 26.5",
    }
    (OUT / "versions.json").write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
