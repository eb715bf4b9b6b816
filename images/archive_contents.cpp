#include "images/archive_contents.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <map>
#include <variant>

#include "base/text.h"
#include "images/decompress.h"
#include "images/layer_tree.h"
#include "images/tar_reader.h"
#include "sys/file.h"

namespace berth::images {
namespace {

constexpr size_t kMaxMembers = 100'000;
constexpr int kMaxLinks = 16;

Error missing(const std::string& path) {
  return sys_error("archive: " + printable(path), ENOENT);
}

struct Link {
  std::string target;  // a path in the archive
};
using Member = std::variant<SpooledBlob, Link>;

class TarContents : public ArchiveContents {
 public:
  TarContents(const Store& store, std::map<std::string, Member> members)
      : store_(store), members_(std::move(members)) {}

  [[nodiscard]] bool has(const std::string& path) const override { return find(path) != nullptr; }

  [[nodiscard]] Result<std::string> text(const std::string& path) const override {
    const SpooledBlob* blob = find(path);
    if (blob == nullptr) return missing(path);
    return sys::read_file(blob->path(store_), kMetadataLimit).context("archive: {}", printable(path));
  }

  [[nodiscard]] Result<Blob> adopt(const std::string& path, const std::optional<Digest>& expected) override {
    auto* blob = const_cast<SpooledBlob*>(find(path));
    if (blob == nullptr) return missing(path);
    if (expected && *expected != blob->digest())
      return digest_mismatch("archive: " + printable(path), *expected, blob->digest());
    BERTH_TRY_OK(blob->place(store_));
    return Blob{blob->digest(), blob->size()};
  }

 private:
  [[nodiscard]] const SpooledBlob* find(const std::string& path) const {
    auto clean = clean_entry_name(path);
    std::string at = clean ? *clean : "";
    for (int i = 0; i < kMaxLinks; ++i) {
      auto member = members_.find(at);
      if (member == members_.end()) return nullptr;
      if (const auto* blob = std::get_if<SpooledBlob>(&member->second)) return blob;
      at = std::get<Link>(member->second).target;
    }
    return nullptr;
  }

  const Store& store_;
  std::map<std::string, Member> members_;
};

/// Where a link leads inside the archive: a symbolic link from its own directory, a hard link from the top.
Result<std::string> link_target(const std::string& path, const TarEntry& entry) {
  if (entry.type == TarType::hard_link || entry.link_name.starts_with('/')) return clean_entry_name(entry.link_name);
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  return clean_entry_name(directory + entry.link_name);
}

Status spool_members(const Store& store, const ImportLease& lease, TarReader& tar,
                     std::map<std::string, Member>& members) {
  TarEntry entry;
  for (;;) {
    BERTH_TRY(bool more, tar.next(entry));
    if (!more) return {};
    bool link = entry.type == TarType::symlink || entry.type == TarType::hard_link;
    if (entry.type != TarType::file && !link) continue;
    if (members.size() >= kMaxMembers) return make_error(fmt::format("archive: more than {} files", kMaxMembers));
    BERTH_TRY(std::string path, clean_entry_name(entry.name));
    if (link) {
      BERTH_TRY(std::string target, link_target(path, entry));
      members.erase(path);
      members.emplace(path, Link{std::move(target)});
      continue;
    }
    BERTH_TRY(BlobWriter writer, BlobWriter::begin(store, lease));
    for (;;) {
      BERTH_TRY(std::string_view bytes, tar.data());
      if (bytes.empty()) break;
      BERTH_TRY_OK(writer.write(bytes));
    }
    members.erase(path);  // the last of several wins
    members.emplace(path, writer.spool());
  }
}

class DirectoryContents : public ArchiveContents {
 public:
  DirectoryContents(const Store& store, const ImportLease& lease, sys::UniqueFd root)
      : store_(store), lease_(lease), root_(std::move(root)) {}

  [[nodiscard]] bool has(const std::string& path) const override {
    return sys::open_in_root(root_.ref(), path, O_PATH).ok();
  }

  [[nodiscard]] Result<std::string> text(const std::string& path) const override {
    BERTH_TRY(sys::UniqueFd fd, sys::open_in_root(root_.ref(), path, O_RDONLY | O_NONBLOCK));
    return sys::read_all(fd.ref(), kMetadataLimit).context("{}", path);
  }

  [[nodiscard]] Result<Blob> adopt(const std::string& path, const std::optional<Digest>& expected) override {
    BERTH_TRY(sys::UniqueFd fd, sys::open_in_root(root_.ref(), path, O_RDONLY | O_NONBLOCK));
    BERTH_TRY(BlobWriter writer, BlobWriter::begin(store_, lease_));
    ReadBlob source = read_blob_from(fd.ref(), path);
    for (;;) {
      BERTH_TRY(std::string_view bytes, source());
      if (bytes.empty()) break;
      BERTH_TRY_OK(writer.write(bytes));
    }
    uint64_t size = writer.size();
    BERTH_TRY(Digest digest, writer.commit(expected).context("{}", path));
    return Blob{std::move(digest), size};
  }

 private:
  const Store& store_;
  const ImportLease& lease_;
  sys::UniqueFd root_;
};

}  // namespace

Result<std::unique_ptr<ArchiveContents>> spool_tar(const Store& store, const ImportLease& lease, ReadBlob source) {
  Decompressor plain(std::move(source));
  TarReader tar([&] { return plain.read(); });
  std::map<std::string, Member> members;
  BERTH_TRY_OK(spool_members(store, lease, tar, members));
  BERTH_TRY_OK(tar.drain());  // whoever writes into our stdin must not meet a closed pipe
  return std::unique_ptr<ArchiveContents>(std::make_unique<TarContents>(store, std::move(members)));
}

Result<std::unique_ptr<ArchiveContents>> open_archive_directory(const Store& store, const ImportLease& lease,
                                                                const std::string& path) {
  BERTH_TRY(sys::UniqueFd root, sys::open_file(path, O_RDONLY | O_DIRECTORY));
  return std::unique_ptr<ArchiveContents>(std::make_unique<DirectoryContents>(store, lease, std::move(root)));
}

}  // namespace berth::images
