// The template interpreter against Jinja 2 (data/golden/chat_template/, made by
// tools/golden/chat_template.py), then what it must refuse and the work it must not do.
#include "io/chat_template.h"

#include "io/json_file.h"
#include "io/support.h"

namespace pewter::io {
namespace {

std::vector<Message> conversation(const JsonView& json) {
  std::vector<Message> out;
  for (const JsonView& message : json.elements())
    out.push_back(
        {std::string(message.at("role").string()), std::string(message.at("content").string())});
  return out;
}

TEST(ChatTemplate, MatchesJinja) {
  const FileBytes file = map_file(golden("chat_template/cases.json"));
  const Json json = parse_json(file.name, file.text());
  const JsonView root(file.name, json);
  const auto conversations = root.at("conversations").elements();
  size_t rendered = 0, refused = 0;
  for (const JsonView& c : root.at("cases").elements()) {
    const std::string name(c.at("template").string());
    const auto at = static_cast<size_t>(c.at("conversation").integer(0, 100));
    const bool prompt = c.at("add_generation_prompt").boolean();
    SCOPED_TRACE(fmt::format("{}, conversation {}, prompt {}", name, at, prompt));
    try {
      const ChatTemplate source(root.at("templates").at(name).string(),
                                std::string(root.at("bos").string()),
                                std::string(root.at("eos").string()));
      const std::string text = source.render(conversation(conversations.at(at)), prompt);
      EXPECT_TRUE(c.find("text")) << "should be refused, gave: " << text;
      if (!c.find("text")) continue;
      EXPECT_EQ(text, c.at("text").string());
      ++rendered;
    } catch (const Error& e) {
      EXPECT_TRUE(c.find("refused")) << e.what();
      if (!c.find("refused")) continue;
      EXPECT_EQ(e.code(), ErrorCode::argument);
      EXPECT_NE(std::string(e.what()).find(c.at("refused").string()), std::string::npos)
          << e.what();
      ++refused;
    }
  }
  EXPECT_GE(rendered, 300u);
  EXPECT_GE(refused, 10u);
}

std::string render(std::string_view source) {
  return ChatTemplate(source, "", "").render({{"user", "hi"}}, false);
}

TEST(ChatTemplate, RefusesWhatItDoesNotKnowByNameAndLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\n{% macro m() %}{% endmacro %}", "line 2: tag 'macro'"},
      {"{% include 'x' %}", "tag 'include'"},
      {"{% raw %}{% endraw %}", "tag 'raw'"},
      {"{{ 'x' | frobnicate }}", "filter 'frobnicate'"},
      {"\n\n{{ 'x'.frobnicate() }}", "line 3: string method 'frobnicate'"},
      {"{{ 1 is frobnicated }}", "test 'frobnicated'"},
      {"{{ frobnicate(1) }}", "'frobnicate' is not a function"},
      {"{{ strftime_now('%Y') }}", "'strftime_now' is not a function"},
      {"{{ messages.append(1) }}", "method 'append'"},
      {"{{ cycler('a') }}", "'cycler'"},
      {"{{ 'é' | upper }}", "upper of text that is not ASCII"},
      {"{{ nothing.field }}", "field 'field' of something undefined"},
      {"{{ nothing['field'] }}", "something undefined"},
      {"{{ 1 + 'a' }}", "'+' of integer and string"},
      {"{{ 1 // 0 }}", "division by zero"},
      {"{{ 9223372036854775807 + 1 }}", "number of 19 digits"},
      {"{{ 999999999999999999 * 99 }}", "does not fit in 64 bits"},
      {"{{ 'a' < 1 }}", "no order"},
      {"{{ 'x' * 1000000000 }}", "a string repeated 1000000000 times"},
      {"{% for x in 5 %}{% endfor %}", "cannot be looped over"},
      {"{% for a, b in [[1]] %}{% endfor %}", "2 loop variables but 1 values"},
      {"{% set ns = namespace() %}{% set ns.me = ns %}", "namespace inside"},
      {"{% set ns = namespace() %}{% set x = [ns] %}", "namespace inside"},
      {"{% break %}", "'break' outside a loop"},
      {"{{ 'open", "string without an end"},
      {"{{ 1 ", "tag without '}}'"},
      {"{# open", "comment without an end"},
      {"{% if 1 %}", "ends before 'endif'"},
      {"{% endfor %}", "tag 'endfor'"},
      {"{{ }}", "unexpected '}}'"},
      {"{{ 1 2 }}", "unexpected integer"},
      {"{{ a[] }}", "empty subscript"},
      {"{{ '\\ud800' }}", "escape of no character"},
      {"{{ 2 ** 3 }}", "unexpected"},
      {"{{ 1 ? 2 }}", "unexpected character '?'"},
  };
  for (const auto& [source, message] : cases) {
    SCOPED_TRACE(source);
    expect_error(ErrorCode::format, {"[chat_template] line", message}, [&] { render(source); });
  }
}

std::string repeated(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(ChatTemplate, LimitsDepth) {
  for (const std::string& source :
       {"{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}",
        "{{ " + repeated("[", 5000) + repeated("]", 5000) + " }}",
        "{{ " + repeated("not ", 100000) + "1 }}", "{{ " + repeated("-", 100000) + "1 }}",
        "{{ 1" + repeated(" + 1", 100000) + " }}", "{{ x" + repeated(".y", 100000) + " }}",
        "{{ x" + repeated("|trim", 100000) + " }}", "{{ x" + repeated("[0]", 100000) + " }}",
        repeated("{% if 1 %}", 50000), "{{ 1" + repeated(" if 1 else 1", 50000) + " }}",
        "{{ x" + repeated("()", 100000) + " }}"})
    expect_error(ErrorCode::format, {"nested more than 200 deep"}, [&] { render(source); });
  // A value that nests by assignment rather than by writing.
  expect_error(ErrorCode::format, {"nested more than 64 deep"}, [] {
    render(
        "{% set n = namespace(x=[]) %}{% for i in range(1000) %}{% set n.x = [n.x] %}{% endfor %}");
  });
}

TEST(ChatTemplate, LimitsWork) {
  for (const std::string source :
       {"{% for a in range(100000000) %}{% endfor %}",
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% "
        "endfor %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor "
        "%}",
        "{{ 'xxxxxxxx' * 999999 }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
        // Shared halves: 2^40 elements if anybody walks it.
        "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}"
        "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}{% endfor "
        "%}{{ n.x }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}{% endfor "
        "%}{{ n.x | tojson }}"})
    expect_error(ErrorCode::format, {"too much work"}, [&] { render(source); });
  expect_error(ErrorCode::format, {"bytes"}, [] { render(std::string(2 << 20, 'a')); });
}

// Each of these is short to ask for and long to do: a needle of half the text that fails at its
// end everywhere, many variables to look through, one long text many times in a list.
TEST(ChatTemplate, LimitsSearchesAndLookUps) {
  const std::string text = "{% set hay = 'a' * 200000 %}{% set needle = 'a' * 100000 + 'b' %}";
  std::string many;
  for (int i = 0; i < 4000; ++i) many += fmt::format("{{% set v{} = 1 %}}", i);
  const std::vector<std::string> sources = {
      text + "{{ needle in hay }}", text + "{{ hay.replace(needle, 'c') }}",
      text + "{{ hay.split(needle) }}",
      many + "{% for i in range(200000) %}{% if v3999 %}{% endif %}{% endfor %}",
      "{% set s = 'a' * 100000 %}{% set n = namespace(x=[s]) %}"
      "{% for i in range(12) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x | join }}"};
  for (const std::string& source : sources)
    expect_error(ErrorCode::format, {"too much work"}, [&] { render(source); });
  // The same on an ordinary scale.
  EXPECT_EQ(render("{% set hay = 'ab' * 2000 %}{{ ('ba' * 400) in hay }} {{ hay.split('ba') | "
                   "length }} {{ hay.replace('ab', '') | length }}"),
            "True 2000 0");
}

TEST(ChatTemplate, TakesLongConversations) {
  const ChatTemplate source(
      "{% for m in messages %}{{ m.role + ': ' + m.content | trim + '\n' }}{% endfor %}", "", "");
  std::vector<Message> messages(2000, Message{"user", std::string(2000, 'x')});
  messages.push_back({"assistant", "broken \xFF utf-8"});
  const std::string text = source.render(messages, false);
  EXPECT_EQ(text.size(), 2000u * 2007 + 26);
  EXPECT_TRUE(text.ends_with("broken \xFF utf-8\n"));
}

TEST(ChatTemplate, SpecialTokensMayBeAbsent) {
  EXPECT_EQ(render("[{{ bos_token }}]{{ bos_token is defined }}"), "[]False");
  EXPECT_EQ(ChatTemplate("{{ bos_token }}{{ eos_token }}", "<s>", "</s>").render({}, false),
            "<s></s>");
}

}  // namespace
}  // namespace pewter::io
