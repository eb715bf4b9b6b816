#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/layer_unpack.h"
#include "images/store.h"

namespace berth::images {

class Progress;

struct LayerExpectation {
  std::optional<Digest> blob;     // as the manifest says
  std::optional<uint64_t> size;   // as the manifest says
  std::optional<Digest> diff_id;  // as the config says
};

struct StoredLayer {
  Descriptor descriptor;  // digest, size and media type of the blob as stored
  Digest diff_id;
  std::vector<std::string> notes;
};

/// One layer on its way into the store: bytes of its blob go in as they arrive, blob and unpacked tree come out, both
/// verified, in one pass. The registry client, load and import all end here.
///
/// The unpacking runs in a process of its own, which sees nothing but the layer's directory (own mount, network and IPC
/// namespaces where permitted) and dies with us. A layer of which the tree exists is only stored, not unpacked again.
/// Two imports of one layer at the same time both work; the first to finish stays. Destroyed before finish(): the
/// process is ended and what was written is removed.
class LayerSink {
 public:
  [[nodiscard]] static Result<LayerSink> begin(const Store& store, const ImportLease& lease, LayerExpectation expected,
                                               UnpackOptions options = {});
  LayerSink(LayerSink&&) noexcept;
  LayerSink& operator=(LayerSink&&) noexcept;
  ~LayerSink();

  /// Error: what the unpacking process found wrong, or the size is exceeded. The sink is of no use afterwards.
  [[nodiscard]] Status write(std::string_view bytes);
  /// Waits for the unpacking, checks size, blob digest and diff id against what was expected, syncs, and puts both in
  /// place.
  [[nodiscard]] Result<StoredLayer> finish();

 private:
  struct State;
  explicit LayerSink(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// All of `source` through a LayerSink, with progress under `label`; `total` is for display only.
[[nodiscard]] Result<StoredLayer> store_layer_from(const Store& store, const ImportLease& lease, const ReadBlob& source,
                                                   LayerExpectation expected, Progress* progress,
                                                   const std::string& label, uint64_t total = 0);

}  // namespace berth::images
