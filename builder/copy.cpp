#include "builder/copy.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <set>

#include "base/text.h"
#include "builder/archive.h"
#include "sys/file.h"

namespace berth::builder {
namespace {

using volumes::MergedDir;

/// The layer while it is written.
class CopiedLayer : public LayerTarget {
 public:
  CopiedLayer(const SourceTree& tree, const std::vector<std::string>& target, const CopyRequest& request,
              images::TarWriter& tar)
      : source_(tree), target_(target), request_(request), tar_(tar), tree_(tar) {}

  Status write() {
    BERTH_TRY(Found destination, find_path(target_, request_.destination, true));
    bool named_directory = request_.destination.ends_with('/') || request_.destination.ends_with("/.");
    size_t files = request_.sources.size() + request_.inline_files.size();
    bool directory = named_directory || files > 1 || request_.parents || destination.is_directory();
    if (directory && destination.exists() && !destination.is_directory())
      return make_error(fmt::format("/{} is a file, not a directory", printable(destination.path)));
    if (directory) BERTH_TRY_OK(make_directory(destination.path));
    for (const Source& source : request_.sources) BERTH_TRY_OK(add_source(source, destination.path, directory));
    for (const CopyRequest::Inline& file : request_.inline_files) {
      std::string path = directory ? below(destination.path, file.name) : destination.path;
      BERTH_TRY_OK(add_inline(path, file.content));
    }
    return tar_.finish();
  }

  Status make_directory(const std::string& path) override {
    if (path.empty() || !made_.insert(path).second) return {};
    BERTH_TRY_OK(make_directory(parent_of(path)));
    BERTH_TRY(Found found, find_path(target_, path, false));
    if (found.exists() && !found.is_directory())
      return make_error(fmt::format("/{} is a file, not a directory", printable(path)));
    if (found.exists()) {
      BERTH_TRY(bool added, tree_.add(found.parent->home(found.entry), found.entry.name, path));
      static_cast<void>(added);
      return {};
    }
    images::TarEntry entry;
    entry.type = images::TarType::directory;
    entry.name = path;
    entry.mode = 0755;
    entry.uid = request_.changes.uid.value_or(0);
    entry.gid = request_.changes.gid.value_or(0);
    entry.mtime = request_.now;
    return tar_.entry(entry);
  }

  Status put_directory(const images::TarEntry& entry) override {
    made_.insert(entry.name);
    BERTH_TRY(Found there, find_path(target_, entry.name, false));
    if (!there.is_directory()) hiding_.insert(entry.name);
    return tar_.entry(entry);
  }

  Result<std::string> real_directory(const std::string& path) override {
    if (made_.contains(path)) return path;
    for (std::string around = path; !around.empty(); around = parent_of(around)) {
      if (hiding_.contains(around)) return path;
    }
    BERTH_TRY(Found found, find_path(target_, path, true));
    return found.path;
  }

  [[nodiscard]] std::optional<int64_t> latest_mtime() const override { return request_.changes.latest_mtime; }
  [[nodiscard]] images::TarWriter& tar() override { return tar_; }

 private:
  Status add_source(const Source& source, const std::string& destination, bool directory) {
    if (request_.parents) {
      std::string place = below(destination, source.found.is_directory() ? source.path : parent_of(source.path));
      BERTH_TRY_OK(make_directory(place));
      return source.found.is_directory() ? add_tree(source, place)
                                         : add_file(source, below(place, base_name(source.path)));
    }
    if (source.found.is_directory()) {
      BERTH_TRY_OK(make_directory(destination));
      return add_tree(source, destination);
    }
    if (request_.unpack && !source.keep_packed && is_archive(*source.found.parent, source.found.entry)) {
      BERTH_TRY_OK(make_directory(destination));
      return unpack(*source.found.parent, source.found.entry, destination, *this)
          .context("unpack {}", printable(source.path));
    }
    return add_file(source, directory ? below(destination, base_name(source.path)) : destination);
  }

  Status add_tree(const Source& source, const std::string& destination) {
    return walk(source_, source, [&](const MergedDir& dir, const MergedDir::Entry& entry, const std::string& path) {
      return add_entry(dir, entry, below(destination, path));
    });
  }

  Status add_file(const Source& source, const std::string& path) {
    return add_entry(*source.found.parent, source.found.entry, path);
  }

  Status add_entry(const MergedDir& dir, const MergedDir::Entry& entry, const std::string& path) {
    BERTH_TRY(std::string parent, real_directory(parent_of(path)));
    BERTH_TRY_OK(make_directory(parent));
    std::string place = below(parent, base_name(path));
    bool is_directory = S_ISDIR(entry.info.st_mode);
    BERTH_TRY(Found there, find_path(target_, place, is_directory));
    if (there.exists() && there.is_directory() != is_directory) {
      return make_error(is_directory
                            ? fmt::format("/{} is a file, so no directory can be copied there", printable(place))
                            : fmt::format("/{} is a directory, so no file can be copied there", printable(place)));
    }
    if (is_directory) place = there.path;
    if (is_directory && !made_.insert(place).second) return {};
    BERTH_TRY(bool added, tree_.add(dir.home(entry), entry.name, place, request_.changes));
    static_cast<void>(added);  // a socket: left out, as everywhere
    return {};
  }

  Status add_inline(const std::string& path, const std::string& content) {
    BERTH_TRY_OK(make_directory(parent_of(path)));
    images::TarEntry entry;
    entry.name = path;
    entry.mode = request_.changes.mode ? request_.changes.mode(0644) : 0644;
    entry.uid = request_.changes.uid.value_or(0);
    entry.gid = request_.changes.gid.value_or(0);
    entry.mtime = request_.now;
    entry.size = content.size();
    BERTH_TRY_OK(tar_.entry(entry));
    return tar_.data(content);
  }

  const SourceTree& source_;
  const std::vector<std::string>& target_;
  const CopyRequest& request_;
  images::TarWriter& tar_;
  images::TreeTar tree_;
  std::set<std::string> made_;    // directories that the tar has
  std::set<std::string> hiding_;  // those of them below which nothing of the layers below shows
};

}  // namespace

Status write_copy(const SourceTree& tree, const std::vector<std::string>& target_layers, const CopyRequest& request,
                  images::TarWriter& tar) {
  return CopiedLayer(tree, target_layers, request, tar).write();
}

}  // namespace berth::builder
