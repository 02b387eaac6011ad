// The Objective-C runtime from plain C++: messages, classes made at run time, counts, pools, weak
// references, blocks.
#include "sim/objc.h"

#include <thread>
#include <vector>

namespace sim {
namespace {

struct Big {
  long a, b, c, d;
};

Class make_class(const char* name, const char* superclass) {
  const Class cls = objc_allocateClassPair(objc_getClass(superclass), name, 0);
  EXPECT_NE(cls, nullptr);
  return cls;
}

template <typename F>
void add(Class cls, const char* name, F function, const char* types = "v@:") {
  EXPECT_TRUE(
      class_addMethod(cls, sel_registerName(name), reinterpret_cast<void (*)()>(function), types));
}

TEST(Runtime, SelectorsAreUnique) {
  EXPECT_EQ(sel_registerName("doSomething:with:"),
            sel_registerName(std::string("doSomething:with:").c_str()));
  EXPECT_NE(sel_registerName("a"), sel_registerName("b"));
  EXPECT_STREQ(sel_getName(sel_registerName("a:b:")), "a:b:");
}

TEST(Runtime, ClassesKnowTheirNamesAndParents) {
  EXPECT_EQ(objc_getClass("NoSuchClass"), nullptr);
  const Class number = objc_getClass("NSNumber");
  EXPECT_STREQ(class_getName(number), "NSNumber");
  EXPECT_STREQ(class_getName(class_getSuperclass(class_getSuperclass(number))), "NSObject");
  EXPECT_EQ(object_getClass(number), objc_getMetaClass("NSNumber"));
  EXPECT_TRUE(class_respondsToSelector(number, sel_registerName("intValue")));
  EXPECT_FALSE(class_respondsToSelector(number, sel_registerName("length")));
}

TEST(Runtime, NilAnswersZero) {
  EXPECT_EQ(send<id>(id(nullptr), "anything"), nullptr);
  EXPECT_EQ(send<double>(id(nullptr), "anything"), 0.0);
  const Range range = send<Range>(id(nullptr), "anything");
  EXPECT_EQ(range.location + range.length, 0u);
}

TEST(Runtime, ArgumentsAndResultsOfEveryKindPass) {
  const Class cls = make_class("SimArguments", "NSObject");
  add(
      cls, "sum:of:these:and:more:than:fit:in:",
      +[](id, SEL, long a, double b, int c, float d, long e, double f, long g, long h) {
        return static_cast<double>(a) + b + c + static_cast<double>(d) + static_cast<double>(e) +
               f + static_cast<double>(g) + static_cast<double>(h);
      });
  add(
      cls, "size:", +[](id, SEL, Size s) { return s.width * s.height * s.depth; });
  add(
      cls, "big:", +[](id, SEL, long x) {
        return Big{x, x + 1, x + 2, x + 3};
      });
  add(
      cls, "range", +[](id, SEL) {
        return Range{3, 4};
      });
  objc_registerClassPair(cls);
  const Own object(send("SimArguments", "new"));
  for (int twice = 0; twice < 2; ++twice) {  // the slow path, then the fast one
    EXPECT_EQ(send<double>(object, "sum:of:these:and:more:than:fit:in:", 1l, 2.0, 3, 4.0f, 5l, 6.0,
                           7l, 8l),
              36);
    EXPECT_EQ(send<unsigned long>(object, "size:", Size{2, 3, 4}), 24u);
    EXPECT_EQ(send<Big>(object, "big:", 5l).d, 8);
    EXPECT_EQ(send<Range>(object, "range").length, 4u);
  }
}

int initialized = 0, deallocated = 0;

TEST(Runtime, InitializeRunsOnceBeforeTheFirstMessage) {
  const Class cls = make_class("SimInitialized", "NSObject");
  add(
      object_getClass(cls), "initialize", +[](id, SEL) { ++initialized; });
  objc_registerClassPair(cls);
  EXPECT_EQ(initialized, 0);
  send(cls, "class");
  send(cls, "self");
  EXPECT_EQ(initialized, 1);
}

TEST(Runtime, AddingAMethodReachesCachedCallers) {
  const Class cls = make_class("SimCached", "NSObject");
  objc_registerClassPair(cls);
  const Own object(send("SimCached", "new"));
  const unsigned long plain = send<unsigned long>(object, "hash");
  EXPECT_EQ(send<unsigned long>(object, "hash"), plain);
  add(
      cls, "hash", +[](id, SEL) { return 42ul; });
  EXPECT_EQ(send<unsigned long>(object, "hash"), 42u);
}

Class counted_class() {
  static const Class cls = [] {
    const Class c = make_class("SimCounted", "NSObject");
    add(
        c, "dealloc", +[](id self, SEL) {
          ++deallocated;
          struct Super {
            id receiver;
            Class cls;
          } super{self, objc_getClass("NSObject")};
          reinterpret_cast<void (*)(id, SEL)>(send<void (*)()>(
              super.cls, "instanceMethodForSelector:", sel_registerName("dealloc")))(
              self, sel_registerName("dealloc"));
        });
    objc_registerClassPair(c);
    return c;
  }();
  return cls;
}

TEST(Runtime, CountsAndPools) {
  deallocated = 0;
  id object = send(counted_class(), "new");
  EXPECT_EQ(send<unsigned long>(object, "retainCount"), 1u);
  objc_retain(object);
  EXPECT_EQ(send<unsigned long>(object, "retainCount"), 2u);
  {
    const Pool outer;
    {
      const Pool inner;
      objc_autorelease(object);
      EXPECT_EQ(send<unsigned long>(object, "retainCount"), 2u);
    }
    EXPECT_EQ(send<unsigned long>(object, "retainCount"), 1u);
    objc_autorelease(object);
    EXPECT_EQ(deallocated, 0);
  }
  EXPECT_EQ(deallocated, 1);
}

TEST(Runtime, EndedThreadsReleaseWhatTheyAutoreleased) {
  deallocated = 0;
  std::thread([] { objc_autorelease(send(counted_class(), "new")); }).join();
  EXPECT_EQ(deallocated, 1);
}

TEST(Runtime, WeakReferencesAreCleared) {
  id object = send(counted_class(), "new"), weak = nullptr, other = nullptr;
  objc_initWeak(&weak, object);
  objc_initWeak(&other, object);
  EXPECT_EQ(objc_loadWeakRetained(&weak), object);
  objc_release(object);
  objc_destroyWeak(&other);
  objc_release(object);
  EXPECT_EQ(weak, nullptr);
  EXPECT_EQ(objc_loadWeakRetained(&weak), nullptr);
}

TEST(Runtime, WeakReferencesSurviveARace) {
  for (int round = 0; round < 200; ++round) {
    id object = send("NSObject", "new"), weak = nullptr;
    objc_initWeak(&weak, object);
    std::thread reader([&] {
      for (int i = 0; i < 50; ++i) objc_release(objc_loadWeakRetained(&weak));
    });
    objc_release(object);
    reader.join();
    EXPECT_EQ(objc_loadWeakRetained(&weak), nullptr);
  }
}

TEST(Runtime, BlocksAreCopiedAndReleased) {
  int calls = 0;
  auto counter = std::make_shared<int>(0);
  void* copy;
  {
    Block<int> block([counter, &calls](int n) { calls += n; });
    copy = _Block_copy(block.get());
    EXPECT_EQ(_Block_copy(copy), copy);
  }
  EXPECT_EQ(counter.use_count(), 2);
  reinterpret_cast<void (*)(void*, int)>(static_cast<void**>(copy)[2])(copy, 7);
  EXPECT_EQ(calls, 7);
  _Block_release(copy);
  _Block_release(copy);
  EXPECT_EQ(counter.use_count(), 1);
}

TEST(Runtime, ManyThreadsSendAtOnce) {
  std::vector<std::thread> threads;
  metal_sim_reset_counters();
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const Pool pool;
      for (int i = 0; i < 2000; ++i) {
        const id n = send("NSNumber", "numberWithInt:", t * 10000 + i);
        ASSERT_EQ(send<int>(n, "intValue"), t * 10000 + i);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_GE(counters().messages, 16000u);
}

TEST(RuntimeDeathTest, UnknownMessage) {
  EXPECT_DEATH(send("NSObject", "noSuchThing"),
               "\\+\\[NSObject noSuchThing\\]: unrecognized selector sent to class");
}

TEST(RuntimeDeathTest, ReleasedTooOften) {
  EXPECT_DEATH(
      {
        metal_sim_set_checks(1);
        const id object = send("NSObject", "new");
        objc_release(object);
        send<void>(object, "self");
      },
      "message sent to deallocated instance");
}

TEST(Foundation, Strings) {
  const Pool pool;
  const id s = string("h\xc3\xa9llo \xf0\x9f\x98\x80");
  EXPECT_EQ(send<unsigned long>(s, "length"), 8u);  // UTF-16 units
  EXPECT_EQ(send<unsigned long>(s, "lengthOfBytesUsingEncoding:", 4ul), 11u);
  EXPECT_EQ(text(send(s, "substringFromIndex:", 1ul)), "\xc3\xa9llo \xf0\x9f\x98\x80");
  EXPECT_EQ(text(send("NSString", "stringWithFormat:", string("%d %5.2f %@ %s %lu"), 3, 1.5, s, "x",
                      7ul)),
            "3  1.50 h\xc3\xa9llo \xf0\x9f\x98\x80 x 7");
  EXPECT_TRUE(send<bool>(s, "isEqual:", send(s, "copy")));
  EXPECT_EQ(send<unsigned long>(send(string("a,b,c"), "componentsSeparatedByString:", string(",")),
                                "count"),
            3u);
}

TEST(Foundation, Collections) {
  const Pool pool;
  const id objects[] = {string("one"), send("NSNumber", "numberWithInt:", 2)};
  const id array = send("NSArray", "arrayWithObjects:count:", &objects[0], 2ul);
  EXPECT_EQ(send<unsigned long>(array, "count"), 2u);
  EXPECT_EQ(send(array, "objectAtIndex:", 1ul), objects[1]);
  const id dictionary =
      send("NSDictionary", "dictionaryWithObject:forKey:", objects[1], objects[0]);
  EXPECT_EQ(send(dictionary, "objectForKey:", string("one")), objects[1]);
  EXPECT_EQ(send(dictionary, "objectForKey:", string("two")), nullptr);
  EXPECT_DEATH(send(array, "objectAtIndex:", 2ul), "index 2 beyond bounds \\[0 .. 1\\]");
}

TEST(Foundation, Errors) {
  const Pool pool;
  const id plain = send("NSError", "errorWithDomain:code:userInfo:", string("D"), 7l, id(nullptr));
  EXPECT_EQ(send<long>(plain, "code"), 7);
  EXPECT_EQ(text(send(plain, "domain")), "D");
  EXPECT_NE(text(send(plain, "localizedDescription")).find("(D error 7.)"), std::string::npos);
}

}  // namespace
}  // namespace sim
