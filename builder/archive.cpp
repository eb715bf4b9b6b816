#include "builder/archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "builder/merged_path.h"
#include "builder/unpack.h"
#include "images/decompress.h"
#include "images/layer_tree.h"
#include "images/tar_reader.h"
#include "sys/file.h"

namespace berth::builder {
namespace {

using images::TarEntry;
using images::TarType;
using volumes::MergedDir;

/// The plain bytes of the file.
struct Plain {
  sys::UniqueFd file;
  images::Decompressor bytes;
};

Result<std::unique_ptr<Plain>> open_plain(const MergedDir& dir, const MergedDir::Entry& entry) {
  BERTH_TRY(sys::UniqueFd file, sys::open_at(dir.home(entry), entry.name, O_RDONLY | O_NOFOLLOW));
  sys::FdRef fd = file.ref();
  return std::make_unique<Plain>(Plain{std::move(file), images::Decompressor(images::read_blob_from(fd, entry.name))});
}

Status copy_entry(images::TarReader& reader, TarEntry entry, const std::string& directory, LayerTarget& target) {
  BERTH_TRY(std::string name, images::clean_entry_name(entry.name));
  if (name.empty()) return {};
  std::string path = below(directory, name);
  BERTH_TRY(std::string parent, target.real_directory(parent_of(path)));
  BERTH_TRY_OK(target.make_directory(parent));
  entry.name = below(parent, base_name(path));
  if (entry.type == TarType::hard_link) {
    BERTH_TRY(std::string linked, images::clean_entry_name(entry.link_name));
    entry.link_name = below(directory, linked);
  }
  images::TreeTar::Changes changes;
  changes.latest_mtime = target.latest_mtime();
  changes.apply_to(entry);
  if (entry.type == TarType::directory) return target.put_directory(entry);
  BERTH_TRY_OK(target.tar().entry(entry));
  if (entry.type != TarType::file) return {};
  for (;;) {
    BERTH_TRY(std::string_view bytes, reader.data());
    if (bytes.empty()) return {};
    BERTH_TRY_OK(target.tar().data(bytes));
  }
}

}  // namespace

bool is_archive(const MergedDir& dir, const MergedDir::Entry& entry) {
  if (!S_ISREG(entry.info.st_mode)) return false;
  Result<sys::UniqueFd> file = sys::open_at(dir.home(entry), entry.name, O_RDONLY | O_NOFOLLOW);
  return file && is_archive(file->ref());
}

Status unpack(const MergedDir& dir, const MergedDir::Entry& entry, const std::string& directory, LayerTarget& target) {
  BERTH_TRY(std::unique_ptr<Plain> plain, open_plain(dir, entry));
  images::TarReader reader([&] { return plain->bytes.read(); });
  for (;;) {
    TarEntry next;
    BERTH_TRY(bool more, reader.next(next));
    if (!more) return {};
    BERTH_TRY_OK(copy_entry(reader, std::move(next), directory, target));
  }
}

}  // namespace berth::builder
