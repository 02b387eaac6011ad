// What a data file may hold, and that an error leads to its place.
#include "train/dataset.h"

#include <gtest/gtest.h>

#include "support.h"

namespace pewter {
namespace {

using test::expect_error;

DatasetImpl parse(std::string_view text) { return parse_dataset(io::copy_bytes("d.jsonl", text)); }

TEST(Dataset, ReadsAllKindsInOneFile) {
  const DatasetImpl data = parse(
      "\xEF\xBB\xBF{\"text\": \"a\", \"id\": 7}\r\n"
      "\n"
      "{\"prompt\": \"p\", \"completion\": \"c\", \"text\": \"x\"}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"u\", \"name\": \"n\"},"
      "{\"role\": \"assistant\", \"content\": \"v\"}], \"prompt\": 3}");
  ASSERT_EQ(data.examples.size(), 3u);
  EXPECT_EQ(data.examples[0].kind, Example::Kind::text);
  EXPECT_EQ(data.examples[0].completion, "a");
  EXPECT_EQ(data.examples[1].kind, Example::Kind::pair);
  EXPECT_EQ(data.examples[1].line, 3);
  EXPECT_EQ(data.examples[1].prompt + "/" + data.examples[1].completion, "p/c");
  EXPECT_EQ(data.examples[2].kind, Example::Kind::chat);
  ASSERT_EQ(data.examples[2].messages.size(), 2u);
  EXPECT_EQ(data.examples[2].messages[1].content, "v");
}

TEST(Dataset, HashTellsFilesApart) {
  EXPECT_EQ(parse("{\"text\":\"a\"}").hash, parse("{\"text\":\"a\"}").hash);
  EXPECT_NE(parse("{\"text\":\"a\"}").hash, parse("{\"text\":\"b\"}").hash);
}

TEST(Dataset, ErrorsNameLineAndField) {
  const auto refused = [](std::string_view line, const std::vector<std::string>& parts) {
    expect_error(ErrorCode::format, parts,
                 [&] { parse("{\"text\":\"fine\"}\n" + std::string(line)); });
  };
  refused("{\"prompt\": \"p\"}", {"d.jsonl:2", "completion"});
  refused("{\"completion\": \"p\"}", {"d.jsonl:2", "prompt"});
  refused("{\"text\": 5}", {"d.jsonl:2", "text", "5"});
  refused("{\"other\": \"p\"}", {"d.jsonl:2", "'text'", "'messages'"});
  refused("[1]", {"d.jsonl:2", "expected an object"});
  refused("{\"messages\": []}", {"d.jsonl:2", "messages", "at least one"});
  refused("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"robot\"}]}",
          {"d.jsonl:2", "messages[1].role", "robot"});
  refused("{\"messages\": [{\"role\": \"user\"}]}", {"d.jsonl:2", "messages[0].content"});
  refused("{\"prompt\": \"p\", \"completion\": \"\"}", {"d.jsonl:2", "completion", "some text"});
  refused("{\"messages\": [{\"role\": \"assistant\", \"content\": \"\"}]}",
          {"d.jsonl:2", "messages[0].content", "some text"});
  refused("{\"messages\": \"hi\"}", {"d.jsonl:2", "messages", "expected an array"});
  refused("{\"text\": \"a\"", {"d.jsonl:2"});
  expect_error(ErrorCode::format, {"d.jsonl", "no example"}, [] { parse("\n \n"); });
}

TEST(Dataset, MissingFileIsNamed) {
  expect_error(ErrorCode::io, {"/no/such/file.jsonl"},
               [] { Dataset::jsonl("/no/such/file.jsonl"); });
}

}  // namespace
}  // namespace pewter
