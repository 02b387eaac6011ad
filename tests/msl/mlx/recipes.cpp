// See recipes.h. Names follow the macros in MLX's .metal files, which the wheel does not have; what
// they stand for shows in the template parameters of the headers. A wrong guess gives other bits.
#include "recipes.h"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

#include "tests/air/support.h"

namespace metal_sim::msl::test {
namespace {

constexpr char kType[] = "(float32|float16|bfloat16|int32|float16_t|bfloat16_t|float)";

std::string cpp_type(const std::string& name) {
  static const std::map<std::string, std::string> kNames = {
      {"float32", "float"},         {"float16", "half"},    {"bfloat16", "bfloat16_t"},
      {"int32", "int32_t"},         {"uint32", "uint32_t"}, {"float16_t", "float16_t"},
      {"bfloat16_t", "bfloat16_t"}, {"float", "float"}};
  return kNames.at(name);
}

// "#1" is the first group of the pattern as a type, "$1" as it stands, "?1" whether it is there.
struct Rule {
  const char* family;
  std::string pattern;
  std::vector<std::string> headers;
  const char* instance;
};

const std::string t = kType;
const std::vector<std::string> kGemm = {"utils.h", "steel/gemm/gemm.h"};
const std::vector<std::string> kQuantised = {"utils.h", "steel/gemm/gemm.h", "quantized_utils.h",
                                             "quantized.h"};
const std::vector<std::string> kFused = {"utils.h", "steel/gemm/gemm.h",
                                         "steel/gemm/kernels/steel_gemm_fused.h"};
const std::vector<std::string> kSplit = {"utils.h", "steel/gemm/gemm.h",
                                         "steel/gemm/kernels/steel_gemm_splitk.h"};
const std::vector<std::string> kUnary = {"utils.h", "unary_ops.h", "unary.h"};
const std::vector<std::string> kBinary = {"utils.h", "binary_ops.h", "binary.h"};
const std::vector<std::string> kReduce = {"utils.h", "atomic.h", "reduction/ops.h", "reduce.h"};
const std::string number = "([0-9]+)", flag = "(true|false)";
const std::vector<Rule> kRules = {
    {"softmax", "block_softmax_" + t, {"utils.h", "softmax.h"}, "softmax_single_row, #1"},
    {"softmax",
     "block_softmax_precise_" + t,
     {"utils.h", "softmax.h"},
     "softmax_single_row, #1, float"},
    {"softmax", "looped_softmax_" + t, {"utils.h", "softmax.h"}, "softmax_looped, #1"},
    {"softmax",
     "looped_softmax_precise_" + t,
     {"utils.h", "softmax.h"},
     "softmax_looped, #1, float"},
    {"logsumexp", "block_logsumexp_" + t, {"utils.h", "logsumexp.h"}, "logsumexp, #1"},
    {"logsumexp", "looped_logsumexp_" + t, {"utils.h", "logsumexp.h"}, "logsumexp_looped, #1"},
    {"copy", "s_copy" + t + t, {"utils.h", "copy.h"}, "copy_s, #1, #2, 1"},
    {"copy", "vn_copy" + t + t, {"utils.h", "copy.h"}, "copy_v, #1, #2"},
    {"copy", "g2_copy" + t + t, {"utils.h", "copy.h"}, "copy_g_nd2, #1, #2, int"},
    {"select",
     "vn_Select" + t,
     {"utils.h", "ternary_ops.h", "ternary.h"},
     "ternary_v, #1, Select, false, false"},
    {"unary", "vn_([A-Z][A-Za-z0-9]*?)" + t + t, kUnary, "unary_v, #2, #3, $1"},
    {"binary", "(ss|sv|vs|vv)n_(Less|Greater|Equal)" + t, kBinary, "binary_$1, #3, bool, $2"},
    {"binary", "(ss|sv|vs|vv)n_([A-Z][A-Za-z0-9]*?)" + t, kBinary, "binary_$1, #3, #3, $2"},
    {"binary", "g2_([A-Z][A-Za-z0-9]*?)" + t, kBinary, "binary_g_nd2, #2, #2, $1, int"},
    {"arange", "arange" + t, {"utils.h", "arange.h"}, "arange, #1"},
    {"reduce", "all_reduce_(sum|prod|min|max)" + t, kReduce, "all_reduce, #2, #2, @1<#2>"},
    {"reduce", "row_reduce_simple_(sum|prod|min|max)" + t, kReduce,
     "row_reduce_simple, #2, #2, @1<#2>"},
    {"reduce", "col_reduce_small_1_reduce_(sum|prod|min|max)" + t, kReduce,
     "col_reduce_small, #2, #2, @1<#2>, int, 1"},
    {"scan",
     "contig_scan_(reverse_)?(inclusive|exclusive)_(sum|prod|max|min)_" + t + "_" + t,
     {"utils.h", "scan.h"},
     "contiguous_scan, #4, #5, Cum@3<#5>, 4, =2, ?1"},
    {"sort",
     "c_block_sort_" + t + "_" + t + "_bn" + number + "_tn" + number,
     {"utils.h", "sort.h"},
     "block_sort, #1, #2, false, $3, $4"},
    {"sort",
     "carg_block_sort_" + t + "_uint32_bn" + number + "_tn" + number,
     {"utils.h", "sort.h"},
     "block_sort, #1, uint32_t, true, $2, $3"},
    {"steel_gemm",
     "steel_gemm_fused_(n|t)(n|t)_" + t + "_" + t + "_bm" + number + "_bn" + number + "_bk" +
         number + "_wm" + number + "_wn" + number,
     kFused, "gemm, #3, $5, $6, $7, $8, $9, =1, =2, float"},
    {"steel_gemm_splitk",
     "steel_gemm_splitk_(n|t)(n|t)_" + t + "_" + t + "_bm" + number + "_bn" + number + "_bk" +
         number + "_wm" + number + "_wn([0-9]+_MN_(t|n)aligned_K_(t|n)aligned)",
     kSplit, "gemm_splitk, #3, #4, $5, $6, $7, $8, 2, =1, =2, true, true"},
    {"steel_gemm_splitk", "steel_gemm_splitk_accum_" + t + "_" + t, kSplit,
     "gemm_splitk_accum, #2, #1"},
    {"gemv",
     "gemv_(t_)?" + t + "_bm" + number + "_bn" + number + "_sm" + number + "_sn" + number + "_tm" +
         number + "_tn" + number + "_nc([01]_axpby[01])",
     {"utils.h", "steel/utils.h", "gemv.h"},
     "gemv%1, #2, $3, $4, $5, $6, $7, $8, %9"},
    {"quantised",
     "affine_(qmv_fast|qmv)_" + t + "_gs_" + number + "_b_" + number +
         "_batch_([01])_pr_([01])_hgs_([01])_r_" + number,
     kQuantised, "affine_$1, #2, $3, $4, $5, $6, $7, $8"},
    {"quantised",
     "affine_qmv_quad_" + t + "_gs_" + number + "_b_" + number + "_d_" + number + "_batch_([01])",
     kQuantised, "affine_qmv_quad, #1, $2, $3, $4, $5"},
    {"quantised",
     "affine_qmm_t_" + t + "_gs_" + number + "_b_" + number + "_alN_" + flag + "_batch_([01])",
     kQuantised, "affine_qmm_t, #1, $2, $3, $4, $5"},
    {"quantised", "affine_qmm_n_" + t + "_gs_" + number + "_b_" + number + "_batch_([01])",
     kQuantised, "affine_qmm_n, #1, $2, $3, $4"},
    {"quantised", "affine_(dequantize|quantize)_" + t + "_gs_" + number + "_b_" + number,
     kQuantised, "affine_$1, #2, $3, $4"},
    {"attention",
     "sdpa_vector_" + t + "_" + number + "_" + number,
     {"utils.h", "sdpa_vector.h"},
     "sdpa_vector, #1, $2, $3"},
    {"steel_attention",
     "steel_attention_" + t + "_bq" + number + "_bk" + number + "_bd" + number + "_bv" + number +
         "_wm4_wn1_mask(float32|float16|bfloat16|bool_)",
     {"utils.h", "steel/attn/attn.h", "steel/attn/kernels/steel_attention.h"},
     "attention, #1, $2, $3, $4, $5, 4, 1, %6, float"},
};

std::string capital(std::string word) {
  word[0] = char(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

// Names of gemv_ and its "0_axpby1"; a mask's type.
std::string special(const std::string& family, const std::string& group) {
  if (family == "gemv") {
    if (group.empty() || group == "t_") return group.empty() ? "" : "_t";
    return std::string(group[0] == '1' ? "true" : "false") +
           (group.back() == '1' ? ", true" : ", false");
  }
  return group == "bool_" ? "bool" : cpp_type(group);
}

std::string filled(const Rule& rule, const std::smatch& match) {
  std::string out;
  for (const char* c = rule.instance; *c; ++c) {
    if (std::string("#$?=@%").find(*c) == std::string::npos) {
      out += *c;
      continue;
    }
    const char how = *c;
    const std::string group = match[size_t(*++c - '0')];
    if (how == '#') out += cpp_type(group);
    if (how == '$') out += group;
    if (how == '?') out += group.empty() ? "false" : "true";
    if (how == '=') out += group == "t" || group == "inclusive" ? "true" : "false";
    if (how == '@') out += capital(group);
    if (how == '%') out += special(rule.family, group);
  }
  return out;
}

void append(const std::string& path, std::set<std::string>* seen, std::string* out) {
  if (!seen->insert(path).second) return;
  std::ifstream in(air::test::mlx_folder() / "mlx" / "include" / path);
  if (!in) throw std::runtime_error(path + " is not in the cache folder");
  static const std::regex kInclude("\\s*#include \"(mlx/[^\"]*)\".*");
  std::string line;
  std::smatch match;
  while (std::getline(in, line)) {
    if (std::regex_match(line, match, kInclude)) {
      append(match[1], seen, out);
    } else if (line.find("#pragma once") == std::string::npos) {
      *out += line + "\n";
    }
  }
}

}  // namespace

std::optional<Recipe> recipe_for(const std::string& kernel) {
  for (const Rule& rule : kRules) {
    std::smatch match;
    if (std::regex_match(kernel, match, std::regex(rule.pattern))) {
      return Recipe{rule.family, rule.headers, filled(rule, match)};
    }
  }
  return std::nullopt;
}

std::string source_of(const Recipe& recipe, const std::string& kernel) {
  std::string out = "#include <metal_stdlib>\n#include <metal_simdgroup>\nusing namespace metal;\n";
  std::set<std::string> seen;
  for (const auto& header : recipe.headers) {
    append("mlx/backend/metal/kernels/" + header, &seen, &out);
  }
  return out + "instantiate_kernel(\"" + kernel + "\", " + recipe.instance + ")\n";
}

}  // namespace metal_sim::msl::test
