// The names under which Objective-C sees the classes of this folder.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "sim/metal/foundation/error.h"
#include "sim/metal/foundation/exception.h"
#include "sim/metal/foundation/process.h"

namespace metal_sim {
namespace {

// --- NSString's variadic and file methods
id init_format(String* self, SEL, String* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  self->init_format_arguments(format, arguments);
  va_end(arguments);
  return self;
}
id with_format(Class cls, SEL, String* format, ...) {
  auto* made = static_cast<String*>(Object::alloc(cls));
  va_list arguments;
  va_start(arguments, format);
  made->init_format_arguments(format, arguments);
  va_end(arguments);
  return autorelease(made);
}
id appending_format(String* self, SEL, String* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  String* made = string(std::string(text(self)) + format_text(text(format), arguments));
  va_end(arguments);
  return made;
}
void append_format(MutableString* self, SEL, String* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  self->utf8 += format_text(text(format), arguments);
  va_end(arguments);
}
id contents_of_file(Class, String* path, unsigned long, Error** error) {
  std::ifstream file(std::string(text(path)), std::ios::binary);
  if (file) return string(std::string((std::istreambuf_iterator<char>(file)), {}));
  if (error) *error = file_error(260, "The file couldn\xe2\x80\x99t be opened.", text(path));
  return nullptr;
}

// --- collections of a nil-terminated list
template <typename T>
id with_objects(Class cls, SEL, id first, ...) {
  std::vector<id> all;
  va_list arguments;
  va_start(arguments, first);
  for (id o = first; o; o = va_arg(arguments, id)) all.push_back(o);
  va_end(arguments);
  auto* made = static_cast<T*>(Object::alloc(cls));
  return autorelease(made->init_objects(all.data(), all.size()));
}
Array* init_one(Class cls, id object) {
  auto* made = static_cast<Array*>(Object::alloc(cls));
  return static_cast<Array*>(autorelease(made->init_objects(&object, 1)));
}
id dictionary_one(Class cls, id object, id key) {
  auto* made = static_cast<Dictionary*>(Object::alloc(cls));
  return autorelease(made->init_objects(&object, &key, 1));
}
id dictionary_list(Class cls, SEL, id first, ...) {
  auto* made = static_cast<Dictionary*>(Object::alloc(cls));
  va_list arguments;
  va_start(arguments, first);
  for (id o = first; o; o = va_arg(arguments, id)) made->put(va_arg(arguments, id), o);
  va_end(arguments);
  return autorelease(made);
}
template <typename T>
id empty(Class cls) {
  return autorelease(Object::make_new(cls));
}

void register_string() {
  Cls<String> s(Object::kClass);
  s.maker<&String::init_utf8>("initWithUTF8String:", "stringWithUTF8String:")
      .maker<&String::init_c_string>("initWithCString:encoding:", "stringWithCString:encoding:")
      .maker<&String::init_string>("initWithString:", "stringWithString:")
      .method<&String::init_bytes>("initWithBytes:length:encoding:")
      .method<&String::init_bytes_no_copy>("initWithBytesNoCopy:length:encoding:freeWhenDone:")
      .method<&String::init_data>("initWithData:encoding:")
      .raw_method("initWithFormat:", reinterpret_cast<IMP>(&init_format), "@@:@")
      .raw_class_method("stringWithFormat:", reinterpret_cast<IMP>(&with_format), "@@:@")
      .raw_method("stringByAppendingFormat:", reinterpret_cast<IMP>(&appending_format), "@@:@")
      .raw_method("initWithFormat:arguments:",
                  reinterpret_cast<IMP>(+[](String* self, SEL, String* f, va_list a) {
                    return self->init_format_arguments(f, a);
                  }),
                  "@@:@[1{__va_list_tag=II^v^v}]")
      .class_method<&empty<String>>("string")
      .class_method<&contents_of_file>("stringWithContentsOfFile:encoding:error:");
  s.method<&String::length>("length")
      .method<&String::character_at>("characterAtIndex:")
      .method<&String::utf8_string>("UTF8String")
      .method<&String::c_string>("cStringUsingEncoding:")
      .method<&String::utf8_string>("fileSystemRepresentation")
      .method<&String::byte_length>("lengthOfBytesUsingEncoding:")
      .method<&String::byte_length>("maximumLengthOfBytesUsingEncoding:")
      .method<&String::get_c_string>("getCString:maxLength:encoding:")
      .method<&String::is_equal_object>("isEqual:")
      .method<&String::is_equal_string>("isEqualToString:")
      .method<&String::hash_text>("hash")
      .method<&String::compare>("compare:")
      .method<&String::has_prefix>("hasPrefix:")
      .method<&String::has_suffix>("hasSuffix:")
      .method<&String::contains>("containsString:")
      .method<&String::range_of>("rangeOfString:");
  s.method<&String::substring_from>("substringFromIndex:")
      .method<&String::substring_to>("substringToIndex:")
      .method<&String::substring>("substringWithRange:")
      .method<&String::appending>("stringByAppendingString:")
      .method<&String::appending_path>("stringByAppendingPathComponent:")
      .method<&String::replacing>("stringByReplacingOccurrencesOfString:withString:")
      .method<&String::components>("componentsSeparatedByString:")
      .method<&String::lower>("lowercaseString")
      .method<&String::upper>("uppercaseString")
      .method<&String::last_path_component>("lastPathComponent")
      .method<&String::without_last_path_component>("stringByDeletingLastPathComponent")
      .method<&String::path_extension>("pathExtension")
      .method<&String::int_value>("intValue")
      .method<&String::integer_value>("integerValue")
      .method<&String::integer_value>("longLongValue")
      .method<&String::double_value>("doubleValue")
      .method<&String::float_value>("floatValue")
      .method<&String::bool_value>("boolValue")
      .method<&String::data>("dataUsingEncoding:")
      .method<&String::write_to>("writeToFile:atomically:encoding:error:")
      .method<&String::describe>("description")
      .method<&String::copy_with_zone>("copyWithZone:")
      .method<&String::mutable_copy_with_zone>("mutableCopyWithZone:");
  Cls<MutableString>(String::kClass)
      .method<&MutableString::append>("appendString:")
      .method<&MutableString::set>("setString:")
      .raw_method("appendFormat:", reinterpret_cast<IMP>(&append_format), "v@:@")
      .method<&MutableString::copy_with_zone>("copyWithZone:");
  ConstantString::kClass.isa = &ConstantString::kMeta;
  fill_class(&ConstantString::kClass, &ConstantString::kMeta, &String::kClass,
             ConstantString::kName, sizeof(ConstantString));
  ConstantString::kClass.info->counting = Counting::immortal;
  register_class(&ConstantString::kClass);
}

void register_array() {
  Cls<Enumerator>(Object::kClass)
      .method<&Enumerator::next_object>("nextObject")
      .method<&Enumerator::fast>("countByEnumeratingWithState:objects:count:");
  Cls<Array>(Object::kClass)
      .maker<&Array::init_objects>("initWithObjects:count:", "arrayWithObjects:count:")
      .maker<&Array::init_array>("initWithArray:", "arrayWithArray:")
      .class_method<&empty<Array>>("array")
      .class_method<&init_one>("arrayWithObject:")
      .raw_class_method("arrayWithObjects:", reinterpret_cast<IMP>(&with_objects<Array>), "@@:@")
      .method<&Array::count>("count")
      .method<&Array::object_at>("objectAtIndex:")
      .method<&Array::object_at>("objectAtIndexedSubscript:")
      .method<&Array::first>("firstObject")
      .method<&Array::last>("lastObject")
      .method<&Array::contains>("containsObject:")
      .method<&Array::index_of>("indexOfObject:")
      .method<&Array::is_equal_object>("isEqual:")
      .method<&Array::is_equal_object>("isEqualToArray:")
      .method<&Array::hash_count>("hash")
      .method<&Array::adding>("arrayByAddingObject:")
      .method<&Array::adding_all>("arrayByAddingObjectsFromArray:")
      .method<&Array::joined>("componentsJoinedByString:")
      .method<&Array::enumerator>("objectEnumerator")
      .method<&Array::each>("enumerateObjectsUsingBlock:")
      .method<&Array::fast>("countByEnumeratingWithState:objects:count:")
      .method<&Array::describe>("description")
      .method<&Array::copy_with_zone>("copyWithZone:")
      .method<&Array::mutable_copy_with_zone>("mutableCopyWithZone:");
  Cls<MutableArray>(Array::kClass)
      .maker<&MutableArray::init_capacity>("initWithCapacity:", "arrayWithCapacity:")
      .method<&MutableArray::add>("addObject:")
      .method<&MutableArray::add_all>("addObjectsFromArray:")
      .method<&MutableArray::insert>("insertObject:atIndex:")
      .method<&MutableArray::replace>("replaceObjectAtIndex:withObject:")
      .raw_method("setObject:atIndexedSubscript:",
                  reinterpret_cast<IMP>(+[](MutableArray* self, SEL, id object, unsigned long i) {
                    i == self->items.size() ? self->add(object) : self->replace(i, object);
                  }),
                  "v@:@Q")
      .method<&MutableArray::remove_at>("removeObjectAtIndex:")
      .method<&MutableArray::remove>("removeObject:")
      .method<&MutableArray::remove_last>("removeLastObject")
      .method<&MutableArray::remove_all>("removeAllObjects")
      .method<&MutableArray::copy_with_zone>("copyWithZone:");
}

void register_dictionary() {
  Cls<Dictionary>(Object::kClass)
      .maker<&Dictionary::init_objects>("initWithObjects:forKeys:count:",
                                        "dictionaryWithObjects:forKeys:count:")
      .maker<&Dictionary::init_arrays>("initWithObjects:forKeys:", "dictionaryWithObjects:forKeys:")
      .maker<&Dictionary::init_dictionary>("initWithDictionary:", "dictionaryWithDictionary:")
      .class_method<&empty<Dictionary>>("dictionary")
      .class_method<&dictionary_one>("dictionaryWithObject:forKey:")
      .raw_class_method("dictionaryWithObjectsAndKeys:", reinterpret_cast<IMP>(&dictionary_list),
                        "@@:@")
      .method<&Dictionary::count>("count")
      .method<&Dictionary::object_for>("objectForKey:")
      .method<&Dictionary::object_for>("objectForKeyedSubscript:")
      .method<&Dictionary::object_for>("valueForKey:")
      .method<&Dictionary::keys>("allKeys")
      .method<&Dictionary::values>("allValues")
      .method<&Dictionary::key_enumerator>("keyEnumerator")
      .method<&Dictionary::object_enumerator>("objectEnumerator")
      .method<&Dictionary::is_equal_object>("isEqual:")
      .method<&Dictionary::is_equal_object>("isEqualToDictionary:")
      .method<&Dictionary::hash_count>("hash")
      .method<&Dictionary::each>("enumerateKeysAndObjectsUsingBlock:")
      .method<&Dictionary::fast>("countByEnumeratingWithState:objects:count:")
      .method<&Dictionary::describe>("description")
      .method<&Dictionary::copy_with_zone>("copyWithZone:")
      .method<&Dictionary::mutable_copy_with_zone>("mutableCopyWithZone:");
  Cls<MutableDictionary>(Dictionary::kClass)
      .maker<&MutableDictionary::init_capacity>("initWithCapacity:", "dictionaryWithCapacity:")
      .method<&MutableDictionary::set>("setObject:forKey:")
      .method<&MutableDictionary::set>("setObject:forKeyedSubscript:")
      .method<&MutableDictionary::set>("setValue:forKey:")
      .method<&MutableDictionary::remove>("removeObjectForKey:")
      .method<&MutableDictionary::remove_all>("removeAllObjects")
      .method<&MutableDictionary::copy_with_zone>("copyWithZone:");
}

void register_error_and_url() {
  Cls<Error>(Object::kClass)
      .maker<&Error::init_with>("initWithDomain:code:userInfo:", "errorWithDomain:code:userInfo:")
      .read_only<&Error::domain>("domain")
      .read_only<&Error::code>("code")
      .method<&Error::user_info>("userInfo")
      .method<&Error::localized_description>("localizedDescription")
      .method<&Error::failure_reason>("localizedFailureReason")
      .method<&Error::recovery_suggestion>("localizedRecoverySuggestion")
      .method<&Error::describe>("description")
      .method<&Error::copy_with_zone>("copyWithZone:");
  Cls<Url>(Object::kClass)
      .maker<&Url::init_file>("initFileURLWithPath:", "fileURLWithPath:")
      .maker<&Url::init_string>("initWithString:", "URLWithString:")
      .method<&Url::file_system_representation>("fileSystemRepresentation")
      .method<&Url::path>("path")
      .method<&Url::absolute>("absoluteString")
      .method<&Url::is_file>("isFileURL")
      .method<&Url::last_component>("lastPathComponent")
      .method<&Url::appending>("URLByAppendingPathComponent:")
      .method<&Url::absolute>("description")
      .method<&Url::copy_with_zone>("copyWithZone:");
}

void register_process() {
  Cls<ProcessInfo>(Object::kClass)
      .class_method<&ProcessInfo::shared>("processInfo")
      .method<&ProcessInfo::process_name>("processName")
      .method<&ProcessInfo::process_identifier>("processIdentifier")
      .method<&ProcessInfo::processor_count>("processorCount")
      .method<&ProcessInfo::processor_count>("activeProcessorCount")
      .method<&ProcessInfo::physical_memory>("physicalMemory")
      .method<&ProcessInfo::system_uptime>("systemUptime")
      .method<&ProcessInfo::os_version>("operatingSystemVersion")
      .method<&ProcessInfo::os_version_string>("operatingSystemVersionString")
      .method<&ProcessInfo::is_at_least>("isOperatingSystemAtLeastVersion:")
      .method<&ProcessInfo::environment>("environment")
      .method<&ProcessInfo::arguments>("arguments")
      .method<&ProcessInfo::thermal_state>("thermalState")
      .method<&ProcessInfo::low_power>("isLowPowerModeEnabled");
  Cls<Bundle>(Object::kClass)
      .class_method<&Bundle::main_bundle>("mainBundle")
      .class_method<&Bundle::with_path>("bundleWithPath:")
      .method<&Bundle::path>("bundlePath")
      .method<&Bundle::resource_path>("resourcePath")
      .method<&Bundle::path_for>("pathForResource:ofType:")
      .method<&Bundle::url_for>("URLForResource:withExtension:")
      .method<&Bundle::info_dictionary>("infoDictionary")
      .method<&Bundle::identifier>("bundleIdentifier");
  Cls<AutoreleasePool>(Object::kClass)
      .method<&AutoreleasePool::init_pool>("init")
      .method<&AutoreleasePool::drain>("drain")
      .method<&AutoreleasePool::dealloc_pool>("dealloc")
      .method<&AutoreleasePool::add>("addObject:")
      .class_method<&AutoreleasePool::add_to_current>("addObject:")
      .class_method<&AutoreleasePool::show>("showPools");
}

}  // namespace

void register_foundation() {
  Cls<MethodSignature>(Object::kClass)
      .method<&MethodSignature::return_type>("methodReturnType")
      .method<&MethodSignature::argument_count>("numberOfArguments");
  register_string();
  register_array();
  register_dictionary();
  register_error_and_url();
  register_data();
  register_process();
  register_exception();
}

}  // namespace metal_sim
