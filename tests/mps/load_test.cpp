// What a machine without Metal is told. ctest gives each test a process of its own; in a shared one
// the runtime may be loaded already, and loading is done once.
#include <gtest/gtest.h>
#include <mps/mps.h>

namespace apple {
namespace {

template <class F>
std::string failure(F f) {
  try {
    f();
  } catch (const Failure& e) {
    return e.what();
  }
  return "nothing was thrown";
}

class Load : public testing::Test {
 protected:
  void SetUp() override {
    if (objc::Runtime::loaded()) GTEST_SKIP() << "another test of this process has loaded it";
  }
};

TEST_F(Load, MissingLibraryIsNamed) {
  const std::string what = failure([] { objc::Runtime::load("/nowhere/libmetal_sim.so"); });
  EXPECT_TRUE(what.starts_with("'/nowhere/libmetal_sim.so' cannot be loaded: ")) << what;
  EXPECT_NE(what.find("No such file"), std::string::npos) << what;
  EXPECT_FALSE(objc::Runtime::loaded());
}

TEST_F(Load, MissingFunctionsAreNamed) {
  const std::string what = failure([] { objc::Runtime::load("libm.so.6"); });
  EXPECT_TRUE(what.starts_with("'libm.so.6' lacks objc_msgSend, ")) << what;
  for (const char* name :
       {"sel_registerName", "objc_getClass", "objc_autoreleasePoolPush", "objc_autoreleasePoolPop",
        "objc_retain", "objc_release", "_Block_copy", "_Block_release", "_NSConcreteStackBlock"}) {
    EXPECT_NE(what.find(name), std::string::npos) << name;
  }
  EXPECT_FALSE(objc::Runtime::loaded());
}

TEST_F(Load, SystemWithoutMetalSaysSo) {
#if !defined(__APPLE__)
  EXPECT_EQ(failure([] { objc::Runtime::load(); }),
            "this system has no Metal: name a library that implements it (software Metal, "
            "libmetal_sim.so)");
#endif
}

TEST_F(Load, NothingWorksBeforeIt) {
  const std::string expected = "the Objective-C runtime is not loaded: call objc::Runtime::load";
  EXPECT_EQ(failure([] { mtl::system_default_device(); }), expected);
  EXPECT_EQ(failure([] { ns::String("x"); }), expected);
  EXPECT_EQ(failure([] { objc::Pool pool; }), expected);
  EXPECT_EQ(failure([] { objc::Block<void(long)>([](long) {}); }), expected);
}

TEST_F(Load, HappensOnce) {
  objc::Runtime::load(PEWTER_FAKE_OBJC);
  objc::Runtime::load(PEWTER_FAKE_OBJC);
  EXPECT_EQ(failure([] { objc::Runtime::load("libm.so.6"); }),
            "the Objective-C runtime is already loaded, from " PEWTER_FAKE_OBJC);
}

}  // namespace
}  // namespace apple
