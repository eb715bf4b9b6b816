#include "cli/images/transfer_view.h"

#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/sizes.h"
#include "cli/status_stream.h"

namespace berth::cli {

using images::LayerPhase;

class TransferView::OneImage : public images::Progress {
 public:
  OneImage(TransferView& view, std::string label) : view_(view), label_(std::move(label)) {}
  void layer(const std::string& name, LayerPhase phase, uint64_t bytes, uint64_t total) override {
    view_.layer(label_, name, {phase, bytes, total, {}});
  }
  void note(const std::string& text) override { view_.note(text); }

 private:
  TransferView& view_;
  std::string label_;
};

namespace {

const char* phase_text(LayerPhase phase, bool push) {
  switch (phase) {
    case LayerPhase::waiting:
      return push ? "Preparing" : "Pulling fs layer";
    case LayerPhase::receiving:
      return "Downloading";
    case LayerPhase::unpacking:
      return "Extracting";
    case LayerPhase::compressing:
      return "Compressing";
    case LayerPhase::sending:
      return "Pushing";
    case LayerPhase::done:
      return push ? "Pushed" : "Pull complete";
    case LayerPhase::already_present:
      return push ? "Layer already exists" : "Already exists";
  }
  return "";
}

bool is_end(LayerPhase phase) {
  return phase == LayerPhase::done || phase == LayerPhase::already_present;
}

bool is_moving(LayerPhase phase) {
  return phase == LayerPhase::receiving || phase == LayerPhase::sending;
}

}  // namespace

TransferView::TransferView(const Context& context, Detail detail, bool push, bool quiet)
    : detail_(detail), push_(push), out_(detail == Detail::layers ? stdout : status_stream()), screen_(fileno(out_)) {
  bool terminal = isatty(fileno(out_)) == 1 && context.ansi != "never";
  style_ = quiet || context.progress == "quiet" ? Style::quiet
           : context.progress == "json"         ? Style::json
           : context.progress == "plain"        ? Style::plain
           : context.progress == "tty"          ? Style::live
           : terminal                           ? Style::live
                                                : Style::plain;
}

TransferView::~TransferView() = default;

images::Progress& TransferView::of(const std::string& label) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<OneImage>& image = images_[label];
  if (!image) image = std::make_unique<OneImage>(*this, label);
  return *image;
}

void TransferView::begun(const std::string& label) {
  std::lock_guard lock(mutex_);
  if (detail_ == Detail::images) show(label, {}, push_ ? "Pushing" : "Pulling", false);
}

void TransferView::done(const std::string& label) {
  std::lock_guard lock(mutex_);
  if (detail_ == Detail::images) show(label, {}, push_ ? "Pushed" : "Pulled", true);
}

void TransferView::failed(const std::string& label) {
  std::lock_guard lock(mutex_);
  if (detail_ == Detail::images) show(label, {}, "Error", true);
}

void TransferView::note(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (style_ == Style::quiet) return;
  finish_screen();
  fmt::print(stderr, "note: {}\n", printable(text));
}

void TransferView::finish() {
  std::lock_guard lock(mutex_);
  finish_screen();
  std::fflush(out_);
}

void TransferView::layer(const std::string& label, const std::string& name, Layer now) {
  std::lock_guard lock(mutex_);
  auto [place, is_new] = layers_[label].emplace(name, now);
  bool same_phase = !is_new && place->second.phase == now.phase;
  now.begun = same_phase ? place->second.begun : Clock::now();
  place->second = now;
  if (style_ == Style::quiet || (style_ == Style::plain && same_phase)) return;
  if (detail_ == Detail::layers) return show(name, label, layer_text(now), is_end(now.phase), &now);
  if (style_ == Style::json) return show(name, label, phase_text(now.phase, push_), is_end(now.phase), &now);
  if (style_ != Style::live) return;
  const Layer sum = sum_of(label);
  show(label, {}, fmt::format("{} {}/{}", push_ ? "Pushing" : "Pulling", size_text(sum.bytes), size_text(sum.total)),
       false);
  set_item(name, label, fmt::format("   {}  {}", printable(name), layer_text(now)), is_end(now.phase));
}

void TransferView::show(const std::string& key, const std::string& parent, const std::string& text, bool finished,
                        const Layer* layer) {
  std::string line = detail_ == Detail::layers ? fmt::format("{}: {}", printable(key), text)
                                               : fmt::format(" {}  {}", printable(key), text);
  switch (style_) {
    case Style::quiet:
      return;
    case Style::plain:
      fmt::print(out_, "{}\n", line);
      std::fflush(out_);
      return;
    case Style::live:
      return set_item(key, parent, line, finished);
    case Style::json:
      break;
  }
  nlohmann::json json{{"id", key}, {"status", text == "Error" ? "Error" : finished ? "Done" : "Working"}};
  json["text"] = layer != nullptr ? phase_text(layer->phase, push_) : text;
  if (!parent.empty()) json["parent_id"] = parent;
  if (layer != nullptr && layer->total > 0) {
    json["current"] = layer->bytes;
    json["total"] = layer->total;
    json["percent"] = layer->bytes * 100 / layer->total;
  }
  fmt::print(out_, "{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(out_);
}

void TransferView::set_item(const std::string& key, const std::string& parent, const std::string& text, bool finished) {
  auto [place, is_new] = places_.emplace(parent + "/" + key, items_.size());
  if (is_new) items_.push_back({key, parent, {}, false, Clock::now(), {}});
  Item& item = items_[place->second];
  item.text = text;
  if (finished && !item.finished) {
    const std::chrono::duration<double> took = Clock::now() - item.begun;
    item.took = fmt::format("{:.1f}s", took.count());
  }
  item.finished = finished;
  if (is_new || screen_.is_due()) screen_.draw(lines());
}

/// An image, and below it its layers while they are on their way; or layers alone.
std::vector<Screen::Line> TransferView::lines() const {
  std::vector<Screen::Line> lines;
  for (const Item& item : items_) {
    if (detail_ == Detail::images && !item.parent.empty()) continue;
    lines.push_back({item.text, item.finished ? item.took : rate_of(item), "", item.finished});
    if (detail_ == Detail::layers || item.finished) continue;
    for (const Item& layer : items_) {
      if (layer.parent == item.key && !layer.finished) lines.push_back({layer.text, rate_of(layer), "", false});
    }
  }
  return lines;
}

/// The lines stay as they are, and new ones begin below.
void TransferView::finish_screen() {
  screen_.finish(lines());
  items_.clear();
  places_.clear();
}

/// What comes or goes in a second; "" where nothing moves.
std::string TransferView::rate_of(const Item& item) const {
  Layer moved;
  if (auto own = layers_.find(item.key); own != layers_.end() && item.parent.empty()) {
    moved = sum_of(item.key);
    moved.begun = item.begun;
  } else if (auto image = layers_.find(item.parent); image != layers_.end()) {
    auto layer = image->second.find(item.key);
    if (layer != image->second.end() && is_moving(layer->second.phase)) moved = layer->second;
  }
  const std::chrono::duration<double> took = Clock::now() - moved.begun;
  constexpr double kLeast = 0.1;  // seconds: of less nothing can be said
  if (moved.bytes == 0 || took.count() < kLeast) return "";
  return size_text(static_cast<uint64_t>(static_cast<double>(moved.bytes) / took.count())) + "/s";
}

std::string TransferView::layer_text(const Layer& layer) const {
  std::string text = phase_text(layer.phase, push_);
  if (style_ != Style::live || !is_moving(layer.phase) || layer.total == 0) return text;
  constexpr uint64_t kWidth = 30;
  uint64_t filled = layer.bytes * kWidth / layer.total;
  return fmt::format("{} [{:<{}}] {}/{}", text, std::string(filled, '=') + (filled < kWidth ? ">" : ""), kWidth,
                     size_text(layer.bytes), size_text(layer.total));
}

/// Of all layers of an image, so far and in all.
TransferView::Layer TransferView::sum_of(const std::string& label) const {
  Layer sum;
  for (const auto& [name, layer] : layers_.at(label)) {
    sum.total += layer.total;
    bool arrived = layer.phase != LayerPhase::waiting && !is_moving(layer.phase);
    sum.bytes += arrived ? layer.total : layer.bytes;
  }
  return sum;
}

}  // namespace berth::cli
