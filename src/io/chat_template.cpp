// The evaluator. Scopes are as in Jinja: a loop's body has its own, so what is set inside is gone
// after it (a namespace() is the way around); if and generation have none.
#include "io/chat_template.h"

#include <algorithm>

#include "io/jinja_value.h"

namespace pewter::io {
namespace jinja {
namespace {

// Work a template may do: enough for any real one at any length of conversation.
constexpr int64_t kBaseBudget = int64_t{1} << 22;
constexpr int64_t kBudgetPerInputByte = 512;

constexpr std::string_view kFunctions[] = {"raise_exception", "range", "namespace", "dict"};

class Evaluator {
 public:
  enum class Flow { normal, break_loop, continue_loop };

  Evaluator(Budget* budget, Dict globals) : budget_(budget) {
    scopes_.emplace_back(std::move(globals));
  }

  Flow run(const Node& node) {
    budget_->charge(4, node.line);
    switch (node.kind) {
      case Kind::block:
        return run_block(node);
      case Kind::text:
        emit(node, node.text);
        return Flow::normal;
      case Kind::output: {
        const Context c = context(node);
        emit(node, printed(c, evaluate(*node.children[0])));
        return Flow::normal;
      }
      case Kind::if_chain:
        return run_if(node);
      case Kind::for_loop:
        run_for(node);
        return Flow::normal;
      case Kind::set:
        assign(node, evaluate(*node.children[0]));
        return Flow::normal;
      case Kind::set_block:
        return run_set_block(node);
      case Kind::loop_break:
        return Flow::break_loop;
      case Kind::loop_continue:
        return Flow::continue_loop;
      default:
        fail(node.line, "not a statement");
    }
  }

  std::string take_output() { return std::move(output_); }

 private:
  Context context(const Node& node) const { return {budget_, node.line}; }

  void emit(const Node& node, std::string_view text) {
    budget_->charge(static_cast<int64_t>(text.size()), node.line);
    output_ += text;
  }

  Flow run_block(const Node& node) {
    for (const NodePtr& child : node.children)
      if (const Flow flow = run(*child); flow != Flow::normal) return flow;
    return Flow::normal;
  }

  Flow run_if(const Node& node) {
    const auto& parts = node.children;
    for (size_t i = 0; i + 1 < parts.size(); i += 2)
      if (truth(evaluate(*parts[i]))) return run(*parts[i + 1]);
    return parts.size() % 2 == 1 ? run(*parts.back()) : Flow::normal;
  }

  // What the body prints becomes the value.
  Flow run_set_block(const Node& node) {
    std::string outer = std::exchange(output_, "");
    const Flow flow = run(*node.children[0]);
    std::string made = std::exchange(output_, std::move(outer));
    assign(node, context(node).text(std::move(made)));
    return flow;
  }

  void assign(const Node& node, Value value) {
    if (node.text.empty()) {
      set_variable(node, node.names[0], std::move(value));
      return;
    }
    const Value target = look_up(node, node.names[0]);
    if (!target.space()) fail(node.line, "'{}' is not a namespace", node.names[0]);
    if (value.space()) fail(node.line, "a namespace inside a namespace is not supported");
    target.space()->fields[node.text] = std::move(value);
  }

  void set_variable(const Node& node, const std::string& name, Value value) {
    Dict& scope = scopes_.back();
    budget_->charge(static_cast<int64_t>(scope.size()), node.line);
    for (auto& [known, old] : scope) {
      if (known != name) continue;
      old = std::move(value);
      return;
    }
    scope.push_back({name, std::move(value)});
  }

  Value look_up(const Node& node, std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      budget_->charge(static_cast<int64_t>(scope->size()), node.line);
      if (const Value* found = find(*scope, name)) return *found;
    }
    if (std::ranges::find(kFunctions, name) != std::end(kFunctions))
      return {std::make_shared<const Function>(Function{std::string(name)}), 0};
    return {};
  }

  // ---- loops ----

  void bind_targets(const Node& node, const Value& item) {
    if (node.names.size() == 1) {
      set_variable(node, node.names[0], item);
      return;
    }
    const List parts = iterate(context(node), item);
    if (parts.size() != node.names.size())
      fail(node.line, "{} loop variables but {} values", node.names.size(), parts.size());
    for (size_t i = 0; i < parts.size(); ++i) set_variable(node, node.names[i], parts[i]);
  }

  List loop_items(const Node& node) {
    List all = iterate(context(node), evaluate(*node.children[0]));
    if (!node.children[1]) return all;
    List kept;
    for (const Value& item : all) {
      scopes_.emplace_back();
      bind_targets(node, item);
      if (truth(evaluate(*node.children[1]))) kept.push_back(item);
      scopes_.pop_back();
    }
    return kept;
  }

  Value loop_value(const Node& node, const List& items, size_t i) {
    const auto size = static_cast<int64_t>(items.size());
    const auto at = static_cast<int64_t>(i);
    const auto neighbour = [&](size_t j) {
      // A namespace cannot be inside another value; nothing loops over them.
      return j < items.size() && !items[j].space() ? items[j] : Value{};
    };
    return context(node).dict({{"index", integer_value(at + 1)},
                               {"index0", integer_value(at)},
                               {"revindex", integer_value(size - at)},
                               {"revindex0", integer_value(size - at - 1)},
                               {"first", boolean_value(at == 0)},
                               {"last", boolean_value(at + 1 == size)},
                               {"length", integer_value(size)},
                               {"previtem", neighbour(i - 1)},
                               {"nextitem", neighbour(i + 1)}});
  }

  void run_for(const Node& node) {
    const List items = loop_items(node);
    for (size_t i = 0; i < items.size(); ++i) {
      scopes_.emplace_back();
      bind_targets(node, items[i]);
      set_variable(node, "loop", loop_value(node, items, i));
      const Flow flow = run(*node.children[2]);
      scopes_.pop_back();
      if (flow == Flow::break_loop) break;
    }
    if (items.empty() && node.children[3]) run(*node.children[3]);
  }

  // ---- expressions ----

  Value optional(const NodePtr& node) { return node ? evaluate(*node) : Value{}; }

  Value evaluate(const Node& node) {
    const Context c = context(node);
    c.charge(4);
    const auto& parts = node.children;
    switch (node.kind) {
      case Kind::literal_string:
        return c.text(node.text);
      case Kind::literal_integer:
        return integer_value(node.integer);
      case Kind::literal_float:
        return {node.number, 0};
      case Kind::literal_true:
        return boolean_value(true);
      case Kind::literal_false:
        return boolean_value(false);
      case Kind::literal_none:
        return none_value();
      case Kind::name:
        return look_up(node, node.text);
      case Kind::list:
        return make_list(node);
      case Kind::dict:
        return make_dict(node);
      case Kind::attribute:
        return attribute(node);
      case Kind::item:
        return item(node);
      case Kind::slice:
        return slice(c, evaluate(*parts[0]), optional(parts[1]), optional(parts[2]),
                     optional(parts[3]));
      case Kind::call:
        return call(node);
      case Kind::filter:
        return apply_filter(c, node.text, evaluate(*parts[0]), arguments(node));
      case Kind::test:
        return boolean_value(apply_test(c, node.text, evaluate(*parts[0]), arguments(node)) !=
                             node.negated);
      case Kind::unary:
        return unary(node);
      case Kind::binary:
        return binary(node);
      case Kind::compare:
        return compare(node);
      case Kind::conditional:
        return truth(evaluate(*parts[1])) ? evaluate(*parts[0]) : optional(parts[2]);
      default:
        fail(node.line, "not an expression");
    }
  }

  Value make_list(const Node& node) {
    List items;
    for (const NodePtr& child : node.children) items.push_back(evaluate(*child));
    return context(node).list(std::move(items));
  }

  Value make_dict(const Node& node) {
    Dict items;
    for (size_t i = 0; i < node.children.size(); i += 2) {
      const Value key = evaluate(*node.children[i]);
      if (!key.string())
        fail(node.line, "a dict key that is a {} is not supported", type_name(key));
      items.push_back({*key.string(), evaluate(*node.children[i + 1])});
    }
    return context(node).dict(std::move(items));
  }

  // object.name and object['name'] differ only in what they try first, which no template can tell
  // as long as methods are looked up when they are called.
  Value field(const Node& node, const Value& object, const std::string& name) {
    if (object.is_undefined()) fail(node.line, "field '{}' of something undefined", name);
    if (const Namespace* space = object.space()) {
      const auto found = space->fields.find(name);
      return found == space->fields.end() ? Value{} : found->second;
    }
    if (!object.dict()) return {};
    const Value* found = find(*object.dict(), name);
    context(node).charge(object.dict()->size());
    return found ? *found : Value{};
  }

  Value attribute(const Node& node) { return field(node, evaluate(*node.children[0]), node.text); }

  Value item(const Node& node) {
    const Value object = evaluate(*node.children[0]);
    const Value index = evaluate(*node.children[1]);
    if (index.string() && (object.space() || object.is_undefined()))
      return field(node, object, *index.string());
    return subscript(context(node), object, index);
  }

  Arguments arguments(const Node& node) {
    Arguments out;
    for (size_t i = 1; i < node.children.size(); ++i) {
      const Node& argument = *node.children[i];
      if (argument.kind == Kind::keyword) {
        out.keyword.push_back({argument.text, evaluate(*argument.children[0])});
      } else {
        out.positional.push_back(evaluate(argument));
      }
    }
    return out;
  }

  Value call(const Node& node) {
    const Node& callee = *node.children[0];
    if (callee.kind == Kind::attribute) {
      const Value object = evaluate(*callee.children[0]);
      return call_method(context(node), object, callee.text, arguments(node));
    }
    const Value function = evaluate(callee);
    const std::string shown = callee.kind == Kind::name ? callee.text : "this expression";
    if (!function.function()) fail(node.line, "'{}' is not a function that is supported", shown);
    return call_function(node, function.function()->name, arguments(node));
  }

  Value call_function(const Node& node, std::string_view name, const Arguments& given) {
    const Context c = context(node);
    if (name == "raise_exception") {
      const Value* message = given.find(0, "message");
      throw_error(ErrorCode::argument, "[chat_template] the template refuses this conversation: {}",
                  message ? printed(c, *message) : "");
    }
    if (name == "range") return range(c, given);
    if (!given.positional.empty()) c.error("{} with positional arguments is not supported", name);
    if (name == "dict") return c.dict(given.keyword);
    auto space = std::make_shared<Namespace>();
    for (const auto& [key, value] : given.keyword) {
      if (value.space()) c.error("a namespace inside a namespace is not supported");
      space->fields[key] = value;
    }
    c.charge(64 * (given.keyword.size() + 1));
    return {std::move(space), 0};
  }

  Value range(const Context& c, const Arguments& given) {
    given.check(c, "range", 3);
    std::vector<int64_t> parts;
    for (const Value& value : given.positional) {
      if (!value.integer()) c.error("range needs integers");
      parts.push_back(*value.integer());
    }
    if (parts.empty()) c.error("range needs an argument");
    const int64_t start = parts.size() > 1 ? parts[0] : 0;
    const int64_t stop = parts.size() > 1 ? parts[1] : parts[0];
    const int64_t step = parts.size() > 2 ? parts[2] : 1;
    if (step == 0) c.error("range with step 0");
    List out;
    for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
      c.charge(8);
      out.push_back(integer_value(i));
      if (__builtin_add_overflow(i, step, &i)) break;
    }
    return c.list(std::move(out));
  }

  Value unary(const Node& node) {
    const Value value = evaluate(*node.children[0]);
    if (node.text == "not") return boolean_value(!truth(value));
    if (node.text == "+") return binary_operation(context(node), "+", integer_value(0), value);
    return binary_operation(context(node), "-", integer_value(0), value);
  }

  Value binary(const Node& node) {
    Value left = evaluate(*node.children[0]);
    if (node.text == "and") return truth(left) ? evaluate(*node.children[1]) : left;
    if (node.text == "or") return truth(left) ? left : evaluate(*node.children[1]);
    return binary_operation(context(node), node.text, left, evaluate(*node.children[1]));
  }

  bool compare_two(const Context& c, std::string_view op, const Value& a, const Value& b) {
    if (op == "==") return equal(c, a, b);
    if (op == "!=") return !equal(c, a, b);
    if (op == "in") return contains(c, b, a);
    if (op == "not in") return !contains(c, b, a);
    if (op == "<") return less(c, a, b);
    if (op == ">") return less(c, b, a);
    return op == "<=" ? !less(c, b, a) : !less(c, a, b);
  }

  Value compare(const Node& node) {
    Value left = evaluate(*node.children[0]);
    for (size_t i = 0; i < node.names.size(); ++i) {
      Value right = evaluate(*node.children[i + 1]);
      if (!compare_two(context(node), node.names[i], left, right)) return boolean_value(false);
      left = std::move(right);
    }
    return boolean_value(true);
  }

  Budget* budget_;
  std::vector<Dict> scopes_;
  std::string output_;
};

}  // namespace
}  // namespace jinja

ChatTemplate::ChatTemplate(std::string_view source, std::string bos, std::string eos)
    : bos_(std::move(bos)), eos_(std::move(eos)) {
  auto parsed = std::make_shared<jinja::Template>();
  parsed->root = jinja::parse(source);
  parsed->source_bytes = source.size();
  template_ = std::move(parsed);
}

std::string ChatTemplate::render(const std::vector<Message>& messages,
                                 bool add_generation_prompt) const {
  using namespace jinja;
  size_t bytes = template_->source_bytes;
  for (const Message& message : messages)
    bytes += message.role.size() + message.content.size() + 16;
  Budget budget(kBaseBudget + kBudgetPerInputByte * static_cast<int64_t>(bytes));
  const Context context{&budget, 0};
  List conversation;
  for (const Message& message : messages)
    conversation.push_back(context.dict(
        {{"role", context.text(message.role)}, {"content", context.text(message.content)}}));
  Dict globals = {{"messages", context.list(std::move(conversation))},
                  {"add_generation_prompt", boolean_value(add_generation_prompt)},
                  {"tools", none_value()},
                  {"documents", none_value()}};
  if (!bos_.empty()) globals.push_back({"bos_token", context.text(bos_)});
  if (!eos_.empty()) globals.push_back({"eos_token", context.text(eos_)});
  Evaluator evaluator(&budget, std::move(globals));
  evaluator.run(*template_->root);
  return evaluator.take_output();
}

}  // namespace pewter::io
