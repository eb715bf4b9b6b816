#include "registry/push.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/text.h"
#include "images/blob_writer.h"
#include "images/decompress.h"
#include "images/gzip.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

using images::Descriptor;
using images::LayerPhase;

/// One push under way.
class Push {
 public:
  Push(Client& client, images::Store& store, const images::Reference& reference, Slots& slots,
       images::Progress& progress, const std::function<bool()>& cancelled)
      : client_(client),
        store_(store),
        reference_(reference),
        slots_(slots),
        progress_(progress),
        cancelled_(cancelled) {}

  Result<Pushed> run() {
    BERTH_TRY(images::Image image, store_.resolve(reference_.store_name()));
    BERTH_TRY(images::ImportLease lease, store_.begin_import());  // nobody collects what is being read
    lease_ = &lease;
    mount_from_ = other_repository(image);
    BERTH_TRY(std::string json, store_.read_blob(image.manifest));
    BERTH_TRY(images::Manifest manifest, images::parse_manifest(json));
    for (const Descriptor& layer : manifest.layers)
      progress_.layer(layer.digest.short_hex(), LayerPhase::waiting, 0, layer.size);
    std::vector<Descriptor> as_sent = manifest.layers;
    BERTH_TRY_OK(side_by_side_.run(manifest.layers.size(), [&](size_t i) -> Status {
      BERTH_TRY(as_sent[i], layer(manifest.layers[i]));
      return {};
    }));
    BERTH_TRY(bool had, client_.put_blob(reference_, manifest.config.digest, store_.blob_path(manifest.config.digest),
                                         mount_from_, [](uint64_t) {}));
    static_cast<void>(had);
    if (as_sent != manifest.layers) {
      manifest.layers = std::move(as_sent);
      json = images::render_manifest(manifest);
    }
    std::string type = manifest.media_type.empty() ? std::string(images::kMediaManifest) : manifest.media_type;
    BERTH_TRY_OK(client_.put_manifest(reference_, type, json));
    Pushed pushed{images::sha256_of(json), json.size()};
    BERTH_TRY_OK(store_.set_origin(reference_, {pushed.digest, seconds_now()}));
    return pushed;
  }

 private:
  /// A repository of the same registry that may have the layers already: the image came from there, or went there.
  [[nodiscard]] std::optional<std::string> other_repository(const images::Image& image) const {
    for (const std::string& known : image.repo_digests) {
      Result<images::Reference> other = images::parse_reference(known);
      if (other && other->domain == reference_.domain && other->path != reference_.path) return other->path;
    }
    return std::nullopt;
  }

  /// Sends a layer, and says as what.
  Result<Descriptor> layer(const Descriptor& stored) {
    Slot slot(slots_);
    if (side_by_side_.abandoned() || cancelled_()) return sys_error("push", ECANCELED);
    std::string label = stored.digest.short_hex();
    BERTH_TRY(bool there, client_.has_blob(reference_, stored.digest));
    if (there) return already(stored, label);
    BERTH_TRY(bool plain, is_uncompressed(stored));
    if (!plain) return send(stored, store_.blob_path(stored.digest), label);
    progress_.layer(label, LayerPhase::compressing, 0, stored.size);
    BERTH_TRY(images::BlobWriter writer, images::BlobWriter::begin(store_, *lease_));
    std::string path = store_.blob_path(stored.digest);
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
    BERTH_TRY_OK(images::gzip(images::read_blob_from(fd.ref(), path), writer));
    images::SpooledBlob compressed = writer.spool();
    bool docker = stored.media_type.find("docker") != std::string::npos;
    Descriptor descriptor{std::string(docker ? images::kMediaDockerLayerGzip : images::kMediaLayerGzip),
                          compressed.digest(), compressed.size(), stored.annotations, std::nullopt};
    BERTH_TRY(bool there_compressed, client_.has_blob(reference_, descriptor.digest));
    if (there_compressed) return already(descriptor, label);
    return send(descriptor, compressed.path(store_), label);
  }

  Result<Descriptor> already(const Descriptor& descriptor, const std::string& label) {
    progress_.layer(label, LayerPhase::already_present, descriptor.size, descriptor.size);
    return descriptor;
  }

  Result<Descriptor> send(const Descriptor& descriptor, const std::string& file, const std::string& label) {
    BERTH_TRY(bool mounted, client_.put_blob(reference_, descriptor.digest, file, mount_from_, [&](uint64_t sent) {
      progress_.layer(label, LayerPhase::sending, sent, descriptor.size);
    }));
    if (mounted) return already(descriptor, label);
    progress_.layer(label, LayerPhase::done, descriptor.size, descriptor.size);
    return descriptor;
  }

  [[nodiscard]] Result<bool> is_uncompressed(const Descriptor& stored) const {
    std::string path = store_.blob_path(stored.digest);
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
    char beginning[images::kMagicLength];
    ssize_t n = read(fd.get(), beginning, sizeof beginning);
    if (n < 0) return sys_error("read " + path, errno);
    return images::detect_compression({beginning, static_cast<size_t>(n)}) == images::Compression::none;
  }

  Client& client_;
  images::Store& store_;
  const images::Reference& reference_;
  Slots& slots_;
  images::Progress& progress_;
  const std::function<bool()>& cancelled_;
  const images::ImportLease* lease_ = nullptr;
  std::optional<std::string> mount_from_;
  SideBySide side_by_side_;
};

}  // namespace

Result<Pushed> push(Client& client, images::Store& store, const images::Reference& reference, Slots& slots,
                    images::Progress& progress, const std::function<bool()>& cancelled) {
  return Push(client, store, reference, slots, progress, cancelled).run();
}

}  // namespace berth::registry
