/* Linked into every program or library that holds compiled Objective-C: hands the image's own tables
 * to the runtime before its other constructors run. With lld and --gc-sections also pass
 * -z nostart-stop-gc, or the tables are dropped. */
typedef struct {
  void *selectors_begin, *selectors_end, *classes_begin, *classes_end, *categories_begin,
      *categories_end, *protocols_begin, *protocols_end;
} image_tables;

extern void metal_sim_load_image(const image_tables* image);

/* Null where the image has no such section. */
#define SECTION(name)                                                                \
  extern char __start_##name __attribute__((weak, visibility("hidden")));            \
  extern char __stop_##name __attribute__((weak, visibility("hidden")));
SECTION(objc_selrefs)
SECTION(objc_classlist)
SECTION(objc_catlist)
SECTION(objc_protolist)

__attribute__((constructor(101))) static void load_image(void) {
  const image_tables image = {&__start_objc_selrefs,  &__stop_objc_selrefs,
                              &__start_objc_classlist, &__stop_objc_classlist,
                              &__start_objc_catlist,   &__stop_objc_catlist,
                              &__start_objc_protolist, &__stop_objc_protolist};
  metal_sim_load_image(&image);
}
