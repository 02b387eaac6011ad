// Mappings have names while they are open, for whoever has to say which file failed.
#include "io/mapped_file.h"

#include "io/support.h"

namespace pewter::io {
namespace {

TEST(MappedFile, AddressesLeadToTheirPath) {
  TempFolder temp;
  write_text(temp / "a", std::string(10000, 'a'));
  write_text(temp / "b", "b");
  const FileBytes a = map_file(temp / "a");
  const std::byte* gone = nullptr;
  {
    const FileBytes b = map_file(temp / "b");
    gone = b.data.data();
    EXPECT_EQ(mapped_path(gone), (temp / "b").string());
  }
  EXPECT_EQ(mapped_path(gone), nullptr);
  for (const size_t at : {size_t{0}, size_t{5000}, a.data.size() - 1}) {
    ASSERT_NE(mapped_path(a.data.data() + at), nullptr);
    EXPECT_EQ(mapped_path(a.data.data() + at), (temp / "a").string());
  }
  EXPECT_EQ(mapped_path(&temp), nullptr);
}

// Many at a time are more than there are slots: those go without, and the slots come back.
TEST(MappedFile, MoreMappingsThanNamesAreFine) {
  TempFolder temp;
  write_text(temp / "a", "a");
  {
    std::vector<FileBytes> all;
    for (int i = 0; i < 1500; ++i) all.push_back(map_file(temp / "a"));
    EXPECT_EQ(all.back().text(), "a");
  }
  const FileBytes again = map_file(temp / "a");
  EXPECT_NE(mapped_path(again.data.data()), nullptr);
}

TEST(MappedFile, AnEmptyPathIsCalledSo) {
  expect_error(ErrorCode::io, {"an empty path: cannot open"}, [] { map_file(""); });
}

}  // namespace
}  // namespace pewter::io
