#include "images/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "images/changes.h"
#include "images/decompress.h"
#include "images/layer_sink.h"
#include "images/reference.h"
#include "sys/file.h"

namespace berth::images {
namespace {

Result<ImageConfig> first_config(const ImportRequest& request) {
  ImageConfig config;
  config.os = request.platform.os;
  config.architecture = request.platform.architecture;
  config.variant = request.platform.variant;
  config.created = format_rfc3339(wall_clock_ns());
  BERTH_TRY_OK(apply_changes(config, request.changes));
  HistoryEntry entry;
  entry.created = config.created;
  entry.comment = request.message.empty() ? "Imported from a root file system tar" : request.message;
  config.history.push_back(std::move(entry));
  return config;
}

/// OCI knows neither xz nor bzip2: such a tar is stored plain. Everything else is stored as it came.
class LayerSource {
 public:
  explicit LayerSource(ReadBlob source) : source_(std::move(source)) {}

  Result<std::string_view> read() {
    if (!started_) {
      started_ = true;
      while (beginning_.size() < kMagicLength) {
        BERTH_TRY(std::string_view bytes, source_());
        if (bytes.empty()) break;
        beginning_ += bytes;
      }
      if (!is_for_layers(detect_compression(beginning_))) unpacked_.emplace([this] { return raw(); });
    }
    return unpacked_ ? unpacked_->read() : raw();
  }

 private:
  Result<std::string_view> raw() {
    if (beginning_given_) return source_();
    beginning_given_ = true;
    if (beginning_.empty()) return source_();
    return std::string_view(beginning_);
  }

  ReadBlob source_;
  std::string beginning_;
  bool started_ = false;
  bool beginning_given_ = false;
  std::optional<Decompressor> unpacked_;
};

uint64_t file_size(sys::FdRef fd) {
  struct stat info {};
  return fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace

Result<Image> import_tar(Store& store, sys::FdRef tar, const ImportRequest& request, Progress* progress) {
  std::vector<std::string> names;
  if (!request.name.empty()) {
    BERTH_TRY(Reference reference, parse_reference(request.name));
    if (reference.digest)
      return make_error("image reference \"" + request.name + "\": a new name cannot have a digest");
    names.push_back(reference.name());
  }
  BERTH_TRY(ImageConfig config, first_config(request));
  BERTH_TRY(ImportLease lease, store.begin_import());
  LayerSource source(read_blob_from(tar, "the tar"));
  uint64_t total = file_size(tar);
  BERTH_TRY(StoredLayer layer, store_layer_from(
                                   store, lease, [&] { return source.read(); }, {}, progress, request.name, total));
  config.diff_ids.push_back(layer.diff_id);
  return store.publish(lease, render_image_config(config), {layer.descriptor}, names);
}

Result<Image> import_tar(Store& store, const std::string& path, const ImportRequest& request, Progress* progress) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
  return import_tar(store, fd.ref(), request, progress).context("import {}", path);
}

}  // namespace berth::images
