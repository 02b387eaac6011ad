// Objective-C++ with ARC, compiled as for a Mac (clang -fobjc-runtime=macosx): classes, properties,
// categories, protocols, blocks with captured and __block variables, weak references, literals, fast
// enumeration, exceptions, @synchronized. Declares by itself what it needs of Foundation.
#include <cstdio>
#include <cstdlib>

typedef signed char BOOL;
typedef unsigned long NSUInteger;
typedef struct {
  unsigned long state;
  id __unsafe_unretained* itemsPtr;
  unsigned long* mutationsPtr;
  unsigned long extra[5];
} NSFastEnumerationState;

@class NSString;
__attribute__((objc_root_class)) @interface NSObject {
  Class isa;
}
+ (id)alloc;
+ (id)new;
+ (Class)class;
- (id)init;
- (id)copy;
- (BOOL)isKindOfClass:(Class)cls;
- (BOOL)respondsToSelector:(SEL)selector;
- (BOOL)conformsToProtocol:(Protocol*)protocol;
- (NSString*)description;
@end
@interface NSString : NSObject
- (const char*)UTF8String;
- (NSUInteger)length;
- (BOOL)isEqualToString:(NSString*)other;
+ (NSString*)stringWithFormat:(NSString*)format, ...;
@end
@interface NSNumber : NSObject
+ (NSNumber*)numberWithInt:(int)value;
+ (NSNumber*)numberWithDouble:(double)value;
- (int)intValue;
@end
@interface NSArray : NSObject
+ (id)arrayWithObjects:(const id[])objects count:(NSUInteger)count;
- (NSUInteger)count;
- (id)objectAtIndexedSubscript:(NSUInteger)index;
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState*)state
                                  objects:(id __unsafe_unretained[])buffer
                                    count:(NSUInteger)count;
@end
@interface NSMutableArray : NSArray
- (void)addObject:(id)object;
@end
@interface NSDictionary : NSObject
+ (id)dictionaryWithObjects:(const id[])objects forKeys:(const id[])keys count:(NSUInteger)count;
- (id)objectForKeyedSubscript:(id)key;
@end
@interface NSException : NSObject
+ (NSException*)exceptionWithName:(NSString*)name reason:(NSString*)reason userInfo:(NSDictionary*)info;
- (NSString*)reason;
@end

static int failures = 0;
#define nil nullptr
#define CHECK(...)                                                                    \
  do {                                                                                \
    if (!(__VA_ARGS__)) std::printf("%d: %s\n", __LINE__, #__VA_ARGS__), ++failures; \
  } while (0)

static int alive = 0, loads = 0;

@protocol Speaks
- (int)say;
@end

@interface Animal : NSObject <Speaks>
@property(nonatomic, strong) NSString* name;
@property(atomic, copy) NSString* sound;
@property(nonatomic, weak) Animal* friendOf;
@property(nonatomic) double weight;
- (int)legs;
@end
@implementation Animal
+ (void)load {
  ++loads;
}
- (id)init {
  if ((self = [super init])) ++alive;
  return self;
}
- (void)dealloc {
  --alive;
}
- (int)legs {
  return 4;
}
- (int)say {
  return static_cast<int>(self.name.length);
}
@end

@interface Bird : Animal {
  NSNumber* wings_;
}
- (int)wings;
@end
@implementation Bird
- (id)init {
  if ((self = [super init])) wings_ = @2;
  return self;
}
- (int)legs {
  return [super legs] - 2;
}
- (int)wings {
  return wings_.intValue;
}
@end

@interface Animal (Counting)
- (int)legsAndOne;
@end
@implementation Animal (Counting)
- (int)legsAndOne {
  return [self legs] + 1;
}
@end

static void classes() {
  Bird* bird = [[Bird alloc] init];
  bird.name = @"Ada";
  bird.sound = @"tweet";
  bird.weight = 0.5;
  CHECK(loads == 1);
  CHECK(alive == 1);
  CHECK([bird legs] == 2 && [bird legsAndOne] == 3 && [bird wings] == 2);
  CHECK([bird say] == 3);
  CHECK([bird.sound isEqualToString:@"tweet"]);
  CHECK(bird.weight == 0.5);
  CHECK([bird isKindOfClass:[Animal class]]);
  CHECK([bird conformsToProtocol:@protocol(Speaks)]);
  CHECK([bird respondsToSelector:@selector(wings)]);
}

static void weak_references() {
  Animal* a = [Animal new];
  @autoreleasepool {
    Animal* b = [Animal new];
    a.friendOf = b;
    CHECK(a.friendOf == b);
  }
  CHECK(a.friendOf == nil);
}

static void blocks() {
  __block int counted = 0;
  __block Animal* held = nil;
  int (^add)(int);
  {
    Animal* captured = [Animal new];
    captured.name = @"four";
    add = ^(int n) {
      counted += n;
      held = captured;
      return counted + [captured say];
    };
  }
  CHECK(alive == 1);
  CHECK(add(3) == 7);
  CHECK(add(1) == 8);
  CHECK(counted == 4);
  CHECK(held != nil);
  held = nil;
  add = nil;
  CHECK(alive == 0);
}

static void literals() {
  NSArray* array = @[ @1, @"two", @3 ];
  CHECK(array.count == 3);
  CHECK([array[2] intValue] == 3);
  NSDictionary* d = @{@"a" : @10, @"b" : @20};
  CHECK([d[@"b"] intValue] == 20);
  CHECK([[NSString stringWithFormat:@"%@-%d", @"x", 5] isEqualToString:@"x-5"]);
  CHECK(@"h\u00e9".length == 2);
  NSMutableArray* many = [NSMutableArray new];
  for (int i = 0; i < 40; ++i) [many addObject:@(i)];
  int sum = 0;
  for (NSNumber* n in many) sum += n.intValue;
  CHECK(sum == 780);
}

static void exceptions() {
  int caught = 0, always = 0;
  @try {
    @throw [NSException exceptionWithName:@"N" reason:@"because" userInfo:nil];
  } @catch (NSException* e) {
    caught += [e.reason isEqualToString:@"because"];
  } @finally {
    ++always;
  }
  @try {
    @throw [Bird new];
  } @catch (NSException* e) {
    caught += 100;
  } @catch (Animal* a) {
    caught += 2;
  }
  try {
    throw 5;
  } catch (int n) {
    caught += n;
  }
  @synchronized(@"lock") {
    ++always;
  }
  CHECK(caught == 8);
  CHECK(always == 2);
}

int main() {
  @autoreleasepool {
    classes();
  }
  CHECK(alive == 0);
  @autoreleasepool {
    weak_references();
  }
  CHECK(alive == 0);
  @autoreleasepool {
    blocks();
    literals();
    exceptions();
  }
  CHECK(alive == 0);
  std::printf(failures ? "%d failed\n" : "passed\n", failures);
  return failures != 0;
}
