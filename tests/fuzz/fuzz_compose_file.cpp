#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "compose/emit.h"
#include "compose/load.h"

using namespace berth;
using namespace berth::compose;

namespace {

constexpr const char* kBase = "services: {base: {image: x, ports: ['80'], volumes: ['./d:/d']}}";

/// The text is a project's file; it may extend base.yaml, include it, or include and extend itself.
MemoryFiles files_with(const std::string& text) {
  return MemoryFiles(std::map<std::string, std::string>{
      {"/p/compose.yaml", text}, {"/p/.env", "A=1\nB=two\n"}, {"/p/sub/base.yaml", kBase}, {"/p/sub/self.yaml", text}});
}

LoadRequest request() {
  LoadRequest request;
  request.working_directory = "/p";
  request.project_name = "fuzz";
  request.profiles = {"*"};
  request.resolve_environment = false;
  return request;
}

std::optional<Project> load_text(const std::string& text) {
  MemoryFiles files = files_with(text);
  Diagnostics diagnostics;
  std::optional<Project> project = load(request(), files, diagnostics);
  (void)diagnostics.render();
  return project;
}

void check_as_written(const std::string& text) {
  MemoryFiles files = files_with(text);
  Diagnostics diagnostics;
  if (load_as_written(request(), files, diagnostics)) return;
  std::fprintf(stderr, "refused as written:\n%s\n", diagnostics.render().c_str());
  std::abort();
}

}  // namespace

/// Laws: what `config` shows is read back, and shows the same; what can be loaded can be shown as it was written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::optional<Project> project = load_text(text);
  if (!project) return 0;
  check_as_written(text);
  std::string first = to_yaml(*project);
  std::optional<Project> again = load_text(first);
  if (!again || to_yaml(*again) != first) {
    std::fprintf(stderr, "not stable:\n%s\n----\n%s\n", first.c_str(), again ? to_yaml(*again).c_str() : "(error)");
    std::abort();
  }
  (void)to_json(*project);
  return 0;
}
