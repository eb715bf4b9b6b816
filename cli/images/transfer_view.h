#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/screen.h"
#include "images/progress.h"

namespace berth::cli {

/// How images on their way are shown. Safe for several threads.
class TransferView {
 public:
  enum class Detail {
    layers,  // `image pull`: a line for each layer, on standard output, as Docker does
    images,  // `pull`, `up`: a line for each image, on standard error, as Docker Compose does
  };
  TransferView(const Context& context, Detail detail, bool push, bool quiet);
  TransferView(const TransferView&) = delete;
  TransferView& operator=(const TransferView&) = delete;
  ~TransferView();

  /// What tells of the layers of one image; lives as long as this. `label`: "Image postgres:16".
  [[nodiscard]] images::Progress& of(const std::string& label);
  /// The image is on its way, has arrived, or has failed.
  void begun(const std::string& label);
  void done(const std::string& label);
  void failed(const std::string& label);
  /// A remark about no image in particular, such as a request that is tried again.
  void note(const std::string& text);
  /// Nothing more will come.
  void finish();

 private:
  enum class Style { live, plain, json, quiet };
  using Clock = std::chrono::steady_clock;
  struct Layer {
    images::LayerPhase phase = images::LayerPhase::waiting;
    uint64_t bytes = 0, total = 0;
    Clock::time_point begun;  // of its phase
  };
  /// What has a line: an image or one of its layers.
  struct Item {
    std::string key, parent, text;
    bool finished = false;
    Clock::time_point begun;
    std::string took;  // once it has
  };
  class OneImage;

  void layer(const std::string& label, const std::string& name, Layer now);
  void show(const std::string& key, const std::string& parent, const std::string& text, bool finished,
            const Layer* layer = nullptr);
  void set_item(const std::string& key, const std::string& parent, const std::string& text, bool finished);
  void finish_screen();
  [[nodiscard]] std::vector<Screen::Line> lines() const;
  [[nodiscard]] std::string rate_of(const Item& item) const;
  [[nodiscard]] std::string layer_text(const Layer& layer) const;
  [[nodiscard]] Layer sum_of(const std::string& label) const;

  std::mutex mutex_;
  Detail detail_;
  bool push_;
  Style style_;
  std::FILE* out_;
  Screen screen_;
  std::vector<Item> items_;               // on it, as they have come up
  std::map<std::string, size_t> places_;  // of parent/key among them
  std::map<std::string, std::unique_ptr<OneImage>> images_;
  std::map<std::string, std::map<std::string, Layer>> layers_;  // by image
};

}  // namespace berth::cli
