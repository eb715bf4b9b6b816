#pragma once

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
  struct Layer {
    images::LayerPhase phase = images::LayerPhase::waiting;
    uint64_t bytes = 0, total = 0;
  };
  class OneImage;

  void layer(const std::string& label, const std::string& name, Layer now);
  void show(const std::string& key, const std::string& parent, const std::string& text, bool finished,
            const Layer* layer = nullptr);
  void set_line(const std::string& key, const std::string& text, bool finished);
  void finish_screen();
  [[nodiscard]] std::string layer_text(const Layer& layer) const;
  [[nodiscard]] std::string image_text(const std::string& label) const;

  std::mutex mutex_;
  Detail detail_;
  bool push_;
  Style style_;
  std::FILE* out_;
  Screen screen_;
  std::vector<Screen::Line> lines_;       // on it
  std::map<std::string, size_t> places_;  // of keys among them
  std::map<std::string, std::unique_ptr<OneImage>> images_;
  std::map<std::string, std::map<std::string, Layer>> layers_;  // by image
};

}  // namespace berth::cli
