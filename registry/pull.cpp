#include "registry/pull.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <vector>

#include "base/text.h"
#include "images/blob_writer.h"
#include "images/layer_sink.h"
#include "sys/file.h"
#include "sys/lock.h"

namespace berth::registry {
namespace {

using images::Descriptor;
using images::LayerPhase;

/// A digest's place in the lock file.
uint64_t place_of(const images::Digest& digest) {
  return std::stoull(digest.hex().substr(0, 16), nullptr, 16);
}

/// Layers of one image, each fetched by the first thread that is free.
class Layers {
 public:
  Layers(Client& client, const images::Store& store, const images::ImportLease& lease,
         const images::Reference& reference, Slots& slots, images::Progress& progress,
         const std::function<bool()>& cancelled)
      : client_(client),
        store_(store),
        lease_(lease),
        reference_(reference),
        slots_(slots),
        progress_(progress),
        cancelled_(cancelled) {}

  Status fetch(const std::vector<Descriptor>& layers, const std::vector<images::Digest>& diff_ids) {
    for (const Descriptor& layer : layers)
      progress_.layer(layer.digest.short_hex(), LayerPhase::waiting, 0, layer.size);
    return side_by_side_.run(layers.size(), [&](size_t i) { return one(layers[i], diff_ids[i]); });
  }

 private:
  Status one(const Descriptor& layer, const images::Digest& diff_id) {
    std::string label = layer.digest.short_hex();
    auto there = [&] { return store_.has_blob(layer.digest) && store_.has_layer(diff_id); };
    auto already = [&]() -> Status {
      progress_.layer(label, LayerPhase::already_present, layer.size, layer.size);
      return {};
    };
    if (there()) return already();
    BERTH_TRY(sys::PlaceLock lock, sys::PlaceLock::acquire(store_.directory() + "/fetch.lock", place_of(layer.digest),
                                                           [&] { progress_.note(label + ": another pull has it"); }));
    if (there()) return already();  // whoever had the lock has brought it
    Slot slot(slots_);
    if (store_.has_blob(layer.digest)) return unpack_again(layer, diff_id, label);
    return download(layer, diff_id, label);
  }

  Status download(const Descriptor& layer, const images::Digest& diff_id, const std::string& label) {
    BERTH_TRY(images::LayerSink sink, images::LayerSink::begin(store_, lease_, {layer.digest, layer.size, diff_id}));
    uint64_t received = 0, told = 0;
    auto write = [&](std::string_view bytes) -> Status {
      if (side_by_side_.abandoned() || cancelled_()) return sys_error("pull", ECANCELED);
      BERTH_TRY_OK(sink.write(bytes));
      received += bytes.size();
      constexpr uint64_t kStep = 64 << 10;
      if (received - told >= kStep) progress_.layer(label, LayerPhase::receiving, told = received, layer.size);
      return {};
    };
    BERTH_TRY_OK(client_.blob(reference_, layer.digest, layer.size, write));
    progress_.layer(label, LayerPhase::unpacking, layer.size, layer.size);
    BERTH_TRY(images::StoredLayer stored, sink.finish());
    return done(stored, label);
  }

  /// The blob is there, its tree is not.
  Status unpack_again(const Descriptor& layer, const images::Digest& diff_id, const std::string& label) {
    std::string path = store_.blob_path(layer.digest);
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
    BERTH_TRY(images::StoredLayer stored,
              images::store_layer_from(store_, lease_, images::read_blob_from(fd.ref(), path),
                                       {layer.digest, layer.size, diff_id}, nullptr, label));
    return done(stored, label);
  }

  Status done(const images::StoredLayer& stored, const std::string& label) {
    for (const std::string& note : stored.notes) progress_.note(note);
    progress_.layer(label, LayerPhase::done, stored.descriptor.size, stored.descriptor.size);
    return {};
  }

  Client& client_;
  const images::Store& store_;
  const images::ImportLease& lease_;
  const images::Reference& reference_;
  Slots& slots_;
  images::Progress& progress_;
  const std::function<bool()>& cancelled_;
  SideBySide side_by_side_;
};

/// The image's own manifest: of an index the one for the platform.
Result<Document> image_manifest(Client& client, const images::Reference& reference, Document document,
                                const images::Platform& platform) {
  if (!Descriptor{document.media_type, document.digest, 0, {}, std::nullopt}.is_index()) return document;
  BERTH_TRY(images::Index index, images::parse_index(document.bytes));
  BERTH_TRY(Descriptor chosen, images::choose_manifest(index, platform));
  images::Reference exact = reference;
  exact.tag.clear();
  exact.digest = chosen.digest;
  BERTH_TRY(Document manifest, client.manifest(exact));
  if (manifest.bytes.size() != chosen.size) {
    return make_error(fmt::format("manifest {}: {} bytes long, its index says {}", chosen.digest.short_hex(),
                                  manifest.bytes.size(), chosen.size));
  }
  return manifest;
}

/// A small blob of which the manifest tells digest and size.
Result<std::string> small_blob(Client& client, const images::Store& store, const images::Reference& reference,
                               const Descriptor& wanted) {
  if (store.has_blob(wanted.digest)) return store.read_blob(wanted.digest);
  if (wanted.size > images::kMetadataLimit) {
    return make_error(fmt::format("image config {}: {} bytes, the limit is {}", wanted.digest.short_hex(), wanted.size,
                                  images::kMetadataLimit));
  }
  std::string bytes;
  BERTH_TRY_OK(client.blob(reference, wanted.digest, wanted.size, [&](std::string_view more) -> Status {
    bytes += more;
    return {};
  }));
  images::Digest found = images::sha256_of(bytes);
  if (found != wanted.digest) return images::digest_mismatch("image config", wanted.digest, found);
  return bytes;
}

Status check_platform(const images::ImageConfig& config, const PullRequest& request) {
  if (!request.platform) return {};
  images::Platform found{config.os, config.architecture, config.variant};
  if (images::choose_platform(*request.platform, {found}) >= 0) return {};
  return make_error(fmt::format("image \"{}\" is there, but not for the platform {}: it is for {}",
                                printable(request.reference.familiar()), request.platform->str(), found.str()));
}

/// The image that is in the store under the reference, if the registry still has the same.
Result<std::optional<Pulled>> unchanged(Client& client, images::Store& store, const PullRequest& request) {
  BERTH_TRY(std::optional<images::Origin> origin, store.origin(request.reference));
  if (!origin) return std::optional<Pulled>();
  Result<images::Image> image = store.resolve(request.reference.store_name());
  if (!image || !check_platform(image->config, request)) return std::optional<Pulled>();
  BERTH_TRY(images::Digest digest, client.manifest_digest(request.reference));
  if (digest != origin->digest) return std::optional<Pulled>();
  BERTH_TRY_OK(store.set_origin(request.reference, {digest, seconds_now()}));
  return std::optional<Pulled>(Pulled{std::move(image).value(), std::move(digest), false});
}

}  // namespace

Result<Pulled> pull(Client& client, images::Store& store, const PullRequest& request, Slots& slots,
                    images::Progress& progress, const std::function<bool()>& cancelled) {
  const images::Reference& reference = request.reference;
  BERTH_TRY(std::optional<Pulled> same, unchanged(client, store, request));
  if (same) return *std::move(same);
  BERTH_TRY(Document top, client.manifest(reference));
  images::Digest digest = top.digest;
  BERTH_TRY(Document document,
            image_manifest(client, reference, std::move(top), request.platform.value_or(images::host_platform())));
  BERTH_TRY(images::Manifest manifest, images::parse_manifest(document.bytes));
  BERTH_TRY(images::ImportLease lease, store.begin_import());
  BERTH_TRY(std::string config_json, small_blob(client, store, reference, manifest.config));
  BERTH_TRY(images::ImageConfig config, images::parse_image_config(config_json));
  BERTH_TRY_OK(check_platform(config, request));
  if (config.diff_ids.size() != manifest.layers.size()) {
    return make_error(fmt::format("image \"{}\": manifest has {} layers, config {}", printable(reference.familiar()),
                                  manifest.layers.size(), config.diff_ids.size()));
  }
  BERTH_TRY(images::Digest config_digest, store.put_blob(lease, config_json));
  static_cast<void>(config_digest);  // small_blob() has compared it
  Layers layers(client, store, lease, reference, slots, progress, cancelled);
  BERTH_TRY_OK(layers.fetch(manifest.layers, config.diff_ids));
  BERTH_TRY(images::Image image, store.publish_manifest(lease, document.bytes, {reference.store_name()},
                                                        images::Origin{digest, seconds_now()}));
  return Pulled{std::move(image), std::move(digest), true};
}

}  // namespace berth::registry
