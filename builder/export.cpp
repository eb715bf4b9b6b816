#include "builder/export.h"

#include <unistd.h>

#include "builder/tree.h"
#include "images/unpack_process.h"
#include "sys/file.h"

namespace berth::builder {

Status write_files(const std::vector<std::string>& layers, const images::TreeTar::Changes& changes,
                   const images::WriteBytes& write) {
  images::TarWriter tar(write);
  images::TreeTar files(tar);
  SourceTree tree;
  tree.layers = layers;
  Source root;
  auto visit = [&](const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry, const std::string& path) {
    Result<bool> added = files.add(dir.home(entry), entry.name, path, changes);
    return added ? Status() : Status(std::move(added).error());
  };
  BERTH_TRY_OK(walk(tree, root, visit));
  return tar.finish();
}

Status copy_files(const std::vector<std::string>& layers, const std::string& directory) {
  BERTH_TRY_OK(sys::make_dirs(directory));
  BERTH_TRY(images::UnpackProcess process, images::UnpackProcess::start(directory, {}));
  images::TreeTar::Changes changes;
  changes.uid = geteuid();
  changes.gid = getegid();
  BERTH_TRY_OK(write_files(layers, changes, [&](std::string_view bytes) { return process.send(bytes); }));
  BERTH_TRY(images::UnpackResult unpacked, process.finish());
  static_cast<void>(unpacked);
  return {};
}

}  // namespace berth::builder
