#include "builder/scratch.h"

#include "sys/file.h"

namespace berth::builder {
namespace {

constexpr const char* kPrefix = ".tmp-";

std::string directory_of(const sys::Paths& paths) {
  return paths.root + "/build";
}

}  // namespace

Result<Scratch> Scratch::make(const sys::Paths& paths) {
  Scratch scratch(directory_of(paths) + "/" + kPrefix + sys::random_hex(8));
  BERTH_TRY_OK(sys::make_dirs(scratch.path_, 0700));
  return scratch;
}

Scratch::~Scratch() {
  if (!path_.empty()) (void)sys::remove_tree(path_);  // what stays, the next build sweeps
}

void Scratch::sweep(const sys::Paths& paths) {
  Result<std::vector<std::string>> names = sys::list_dir(directory_of(paths));
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with(kPrefix)) (void)sys::remove_tree(directory_of(paths) + "/" + name);
  }
}

}  // namespace berth::builder
