#include "graph.h"

#include <new>

namespace pewter {
namespace {

thread_local Graph::Impl* recorded = nullptr;

}  // namespace

void Graph::replay() const {
  if (!impl_ || impl_->work.empty()) {
    throw_error(ErrorCode::argument, "[graph] nothing was captured, so nothing can be replayed");
  }
  for (const Captured& piece : impl_->work) piece.run();
}
int64_t Graph::size() const { return impl_ ? static_cast<int64_t>(impl_->work.size()) : 0; }

Graph::Impl* recording(const Backend& of) {
  return recorded && recorded->of == &of ? recorded : nullptr;
}

Graph record_graph(const Backend& of, const std::shared_ptr<Allocator>& memory,
                   const std::function<void()>& work) {
  if (recorded) throw_error(ErrorCode::argument, "[capture] this thread is capturing already");
  auto impl = std::make_shared<Graph::Impl>();
  impl->of = &of;
  impl->pool = std::make_shared<Allocator>(memory);
  struct Scope {
    explicit Scope(Graph::Impl* impl) { recorded = impl; }
    ~Scope() { recorded = nullptr; }
  } scope(impl.get());
  work();
  return Graph(std::move(impl));
}

void rethrow_naming(const char* op, const char* device) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw_error(ErrorCode::out_of_memory, "[{}] no memory for its work on {}", op, device);
  } catch (const std::exception& e) {
    throw_error(ErrorCode::device_failure, "[{}] failed on {}: {}", op, device, e.what());
  } catch (...) {
    throw_error(ErrorCode::device_failure, "[{}] failed on {}", op, device);
  }
}

}  // namespace pewter
