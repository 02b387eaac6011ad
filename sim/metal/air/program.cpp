// Program to JSON and back; see program.h.
#include "program.h"

#include <nlohmann/json.hpp>

namespace metal_sim::air {

using nlohmann::json;

namespace {

json to_json_value(const KernelArgument& a) {
  return {{"name", a.name},           {"kind", int(a.kind)},          {"access", int(a.access)},
          {"index", a.index},         {"data_size", a.data_size},     {"alignment", a.alignment},
          {"data_type", a.data_type}, {"constant", a.constant_space}, {"active", a.active}};
}

KernelArgument argument_from(const json& j) {
  KernelArgument a;
  a.name = j.at("name");
  a.kind = BindingKind(j.at("kind").get<int>());
  a.access = BindingAccess(j.at("access").get<int>());
  a.index = j.at("index");
  a.data_size = j.at("data_size");
  a.alignment = j.at("alignment");
  a.data_type = j.at("data_type");
  a.constant_space = j.at("constant");
  a.active = j.at("active");
  return a;
}

json to_json_value(const Base& b) {
  return {{"kind", int(b.kind)},      {"index", b.index}, {"size", b.size},
          {"alignment", b.alignment}, {"name", b.name},   {"written", b.written}};
}

Base base_from(const json& j) {
  return {Base::Kind(j.at("kind").get<int>()),
          j.at("index"),
          j.at("size"),
          j.at("alignment"),
          j.at("name"),
          j.at("written")};
}

}  // namespace

std::string to_json(const Program& p) {
  json arguments = json::array(), bases = json::array();
  for (const auto& a : p.info.arguments) arguments.push_back(to_json_value(a));
  for (const auto& b : p.bases) bases.push_back(to_json_value(b));
  const Size3 required = p.info.required_threads;
  return json{{"name", p.name},
              {"max_threads", p.info.max_total_threads},
              {"required", {required.x, required.y, required.z}},
              {"static_memory", p.info.static_threadgroup_memory},
              {"arguments", arguments},
              {"bases", bases},
              {"synchronises", p.synchronises},
              {"private_bytes", p.private_bytes},
              {"granule", p.granule}}
      .dump();
}

Program program_from_json(const std::string& text) {
  const json j = json::parse(text);
  Program p;
  p.name = j.at("name");
  p.info.max_total_threads = j.at("max_threads");
  const auto& required = j.at("required");
  p.info.required_threads = {required.at(0), required.at(1), required.at(2)};
  p.info.static_threadgroup_memory = j.at("static_memory");
  for (const auto& a : j.at("arguments")) p.info.arguments.push_back(argument_from(a));
  for (const auto& b : j.at("bases")) p.bases.push_back(base_from(b));
  p.synchronises = j.at("synchronises");
  p.private_bytes = j.at("private_bytes");
  p.granule = j.at("granule");
  return p;
}

}  // namespace metal_sim::air
