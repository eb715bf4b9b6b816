#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "images/layer_unpack.h"
#include "sys/file.h"

// Laws: whatever the bytes, unpacking ends, and nothing beside the layer's root appears or changes. The tree lies in
// memory
// (/dev/shm) where there is such a thing.

namespace {

const std::string& playground() {
  static const std::string path = [] {
    std::string pattern = (berth::sys::exists("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/berth-fuzz-XXXXXX");
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    if (!berth::sys::write_file_atomic(pattern + "/canary", "alive", berth::sys::Durability::none)) std::abort();
    std::atexit([] { (void)berth::sys::remove_tree(playground()); });
    return pattern;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace berth;
  std::string root = playground() + "/root";
  if (mkdir(root.c_str(), 0755) != 0) std::abort();
  std::string_view left(reinterpret_cast<const char*>(data), size);
  images::UnpackOptions options;
  options.limits.tar_bytes = 16 << 20;
  options.limits.entries = 1000;
  {
    auto fd = sys::open_file(root, O_RDONLY | O_DIRECTORY);
    if (!fd) std::abort();
    auto read = [&]() -> Result<std::string_view> {
      std::string_view piece = left.substr(0, 777);  // pieces that fit no block
      left.remove_prefix(piece.size());
      return piece;
    };
    (void)images::unpack_layer(read, fd->ref(), options);
  }
  auto beside = sys::list_dir(playground());
  bool untouched = beside && *beside == std::vector<std::string>{"canary", "root"} &&
                   sys::read_file(playground() + "/canary").value_or("") == "alive";
  if (!untouched || !sys::remove_tree(root)) std::abort();
  return 0;
}
