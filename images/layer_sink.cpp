#include "images/layer_sink.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "images/blob_writer.h"
#include "images/decompress.h"
#include "images/progress.h"
#include "images/unpack_process.h"
#include "sys/file.h"

namespace berth::images {

// How this works: each piece of the blob is hashed and written by this process and sent to the unpacking process, which
// decompresses, hashes again (the diff id is of the plain tar) and makes the tree in layers/.tmp-…/fs. When both
// digests are right, the file system is synced and both are renamed into place, the blob first.

struct LayerSink::State {
  State(const Store& store_, LayerExpectation expected_) : store(store_), expected(std::move(expected_)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    process.reset();                                            // before its directory
    if (!directory.empty()) (void)sys::remove_tree(directory);  // what stays, the next import sweeps
  }

  const Store& store;
  LayerExpectation expected;
  std::string directory;  // layers/.tmp-…; empty: the tree exists already
  std::optional<UnpackProcess> process;
  std::optional<BlobWriter> blob;  // none: the blob exists already
  Sha256 hash;                     // of the blob, where there is no writer
  std::string beginning;
  uint64_t size = 0;

  [[nodiscard]] Digest blob_digest() const { return blob ? blob->digest() : hash.digest(); }
  [[nodiscard]] std::string name() const { return expected.blob ? "layer " + expected.blob->short_hex() : "layer"; }
  Status place_tree(const Digest& diff_id);
};

namespace {

std::string layer_media_type(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return std::string(kMediaLayerGzip);
    case Compression::zstd:
      return std::string(kMediaLayerZstd);
    default:
      return std::string(kMediaLayer);
  }
}

}  // namespace

LayerSink::LayerSink(std::unique_ptr<State> state) : state_(std::move(state)) {}
LayerSink::LayerSink(LayerSink&&) noexcept = default;
LayerSink& LayerSink::operator=(LayerSink&&) noexcept = default;
LayerSink::~LayerSink() = default;

Result<LayerSink> LayerSink::begin(const Store& store, const ImportLease& lease, LayerExpectation expected,
                                   UnpackOptions options) {
  auto state = std::make_unique<State>(store, std::move(expected));
  bool have_tree = state->expected.diff_id && store.has_layer(*state->expected.diff_id);
  bool have_blob = state->expected.blob && store.has_blob(*state->expected.blob);
  std::string tree;
  if (!have_tree) {
    state->directory = store.directory() + "/layers/.tmp-" + sys::random_hex(8);
    tree = state->directory + "/fs";
    // 0700 above fs: another user must not reach setuid files of an image (CVE-2021-41091).
    BERTH_TRY_OK(sys::make_dirs(state->directory, 0700));
    BERTH_TRY_OK(sys::make_dirs(tree, 0755));
    if (chmod(tree.c_str(), 0755) != 0) return sys_error("chmod " + tree, errno);  // whatever the umask
  }
  if (!have_blob) {
    BERTH_TRY(BlobWriter blob, BlobWriter::begin(store, lease));
    state->blob.emplace(std::move(blob));
  }
  BERTH_TRY(UnpackProcess process, UnpackProcess::start(tree, options));
  state->process.emplace(std::move(process));
  return LayerSink(std::move(state));
}

Status LayerSink::write(std::string_view bytes) {
  if (state_->beginning.size() < kMagicLength) state_->beginning += bytes.substr(0, kMagicLength);
  state_->size += bytes.size();
  if (state_->expected.size && state_->size > *state_->expected.size) {
    return make_error(
        fmt::format("{}: longer than the {} bytes its manifest says", state_->name(), *state_->expected.size));
  }
  // First to the other process, so that it works while we hash.
  BERTH_TRY_OK(state_->process->send(bytes).context("unpack {}", state_->name()));
  if (state_->blob) return state_->blob->write(bytes);
  state_->hash.update(bytes);
  return {};
}

Result<StoredLayer> LayerSink::finish() {
  State& state = *state_;
  const LayerExpectation& expected = state.expected;
  if (expected.size && state.size != *expected.size) {
    return make_error(fmt::format("{}: {} bytes long, its manifest says {}", state.name(), state.size, *expected.size));
  }
  Compression compression = detect_compression(state.beginning);
  if (!is_for_layers(compression)) {
    const char* name = compression == Compression::xz ? "xz" : "bzip2";
    return make_error(fmt::format("{}: compressed with {}, which OCI images do not know", state.name(), name));
  }
  Digest blob = state.blob_digest();
  if (expected.blob && *expected.blob != blob) return digest_mismatch(state.name(), *expected.blob, blob);
  BERTH_TRY(UnpackResult unpacked, state.process->finish().context("unpack {}", state.name()));
  if (expected.diff_id && *expected.diff_id != unpacked.diff_id) {
    return digest_mismatch(state.name() + " unpacked", *expected.diff_id, unpacked.diff_id);
  }
  if (state.blob) BERTH_TRY_OK(state.blob->commit(blob));
  BERTH_TRY_OK(state.place_tree(unpacked.diff_id));
  Descriptor descriptor{layer_media_type(compression), blob, state.size, {}, std::nullopt};
  return StoredLayer{std::move(descriptor), unpacked.diff_id, std::move(unpacked.notes)};
}

/// A tree under its final name is taken for complete, so all of it must be on the disk before.
Status LayerSink::State::place_tree(const Digest& diff_id) {
  if (directory.empty()) return {};
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(directory, O_RDONLY | O_DIRECTORY));
  BERTH_TRY_OK(sys::sync_filesystem(fd.ref()).context("{}", directory));
  std::string place = store.directory() + "/layers/" + diff_id.hex();
  if (rename(directory.c_str(), place.c_str()) == 0) {
    directory.clear();
    return {};
  }
  // Somebody else brought the same layer in meanwhile: theirs is as good, ours goes with the State.
  if (errno == EEXIST || errno == ENOTEMPTY) return {};
  return sys_error("rename to " + place, errno);
}

Result<StoredLayer> store_layer_from(const Store& store, const ImportLease& lease, const ReadBlob& source,
                                     LayerExpectation expected, Progress* progress, const std::string& label,
                                     uint64_t total) {
  if (expected.size) total = *expected.size;
  BERTH_TRY(LayerSink sink, LayerSink::begin(store, lease, std::move(expected)));
  for (uint64_t done = 0;;) {
    BERTH_TRY(std::string_view bytes, source());
    if (bytes.empty()) break;
    BERTH_TRY_OK(sink.write(bytes));
    done += bytes.size();
    if (progress != nullptr) progress->layer(label, LayerPhase::receiving, done, total);
  }
  if (progress != nullptr) progress->layer(label, LayerPhase::unpacking, total, total);
  BERTH_TRY(StoredLayer stored, sink.finish());
  if (progress != nullptr) {
    for (const std::string& note : stored.notes) progress->note(note);
    progress->layer(label, LayerPhase::done, stored.descriptor.size, stored.descriptor.size);
  }
  return stored;
}

}  // namespace berth::images
