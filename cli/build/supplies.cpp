#include "cli/build/supplies.h"

#include <fmt/core.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/build/clone.h"
#include "cli/helper_program.h"
#include "cli/sizes.h"
#include "cli/transfer.h"
#include "images/reference.h"
#include "runtime/binfmt.h"

namespace berth::cli {

namespace {

/// An image for another platform is as good as none, unless none was asked for and it runs here.
bool serves(const images::Image& image, const std::optional<images::Platform>& platform) {
  images::Platform has{image.config.os, image.config.architecture, image.config.variant};
  if (has.architecture.empty() || images::choose_platform(platform.value_or(images::host_platform()), {has}) >= 0)
    return true;
  return !platform && runtime::can_execute(has.architecture).ok();
}

}  // namespace

/// Reads what berth-images says for one step.
class Supplies::Listener {
 public:
  Listener(const Context& context, BuildProgress& progress, std::string step)
      : context_(context), progress_(progress), step_(std::move(step)) {
    if (!listens()) return;
    // Where things change in place, bytes are counted; elsewhere there are a few lines.
    context_.progress = progress_.style() == BuildProgress::Style::live ? "json" : "plain";
    context_.ansi = "never";
  }

  [[nodiscard]] const Context& context() const { return context_; }

  HelperWatch watch(const std::function<bool()>& cancelled) {
    HelperWatch watch;
    if (listens()) watch.output = [this](std::string_view bytes) { read(bytes); };
    watch.cancelled = cancelled;
    return watch;
  }

  /// What has not been told yet.
  void finish() {
    if (!rest_.empty()) line(std::exchange(rest_, {}));
    progress_.note(step_, "");
  }

 private:
  /// It speaks JSON itself where JSON is wanted, and says only what goes wrong where nothing else is.
  [[nodiscard]] bool listens() const {
    return progress_.style() != BuildProgress::Style::json && progress_.style() != BuildProgress::Style::quiet;
  }

  void read(std::string_view bytes) {
    rest_ += bytes;
    for (size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1)) line(rest_.substr(0, end));
  }

  void line(const std::string& text) {
    nlohmann::json event = nlohmann::json::parse(text, nullptr, false);
    if (!event.is_object()) return progress_.output(step_, text + "\n");
    if (!event.contains("parent_id") || !event.contains("total")) return;  // not about the bytes of a layer
    layers_[event.value("id", "")] = {event.value("current", uint64_t{0}), event.value("total", uint64_t{0})};
    uint64_t bytes = 0, total = 0;
    for (const auto& [id, layer] : layers_) {
      bytes += layer.first;
      total += layer.second;
    }
    progress_.note(step_, fmt::format("Pulling {}/{}", size_text(bytes), size_text(total)));
  }

  Context context_;
  BuildProgress& progress_;
  std::string step_, rest_;
  std::map<std::string, std::pair<uint64_t, uint64_t>> layers_;  // bytes, of how many
};

Result<images::Image> Supplies::image(const std::string& name, const std::optional<images::Platform>& platform,
                                      bool newer, const std::string& step, const std::function<bool()>& cancelled) {
  Brought* brought = nullptr;
  {
    std::lock_guard lock(mutex_);
    brought = &images_[name + " " + (platform ? platform->str() : "")];
  }
  std::lock_guard lock(brought->mutex);
  Result<images::Image> image = store_.resolve(name);
  if (image && (brought->done || (!newer && serves(*image, platform)))) return image;
  if (!images::parse_reference(name)) return image;
  if (cancelled()) return sys_error("build", ECANCELED);
  BERTH_TRY_OK(bring(name, platform, step, cancelled));
  brought->done = true;
  return store_.resolve(name);
}

Status Supplies::bring(const std::string& name, const std::optional<images::Platform>& platform,
                       const std::string& step, const std::function<bool()>& cancelled) {
  Transfer transfer;
  transfer.items.push_back({name, platform ? platform->str() : "", {}});
  transfer.quiet = progress_.style() == BuildProgress::Style::quiet;
  Listener listener(context_, progress_, step);
  Result<int> code = carry_out(listener.context(), transfer, listener.watch(cancelled));
  listener.finish();
  if (!code) return std::move(code).error();
  if (*code > 128) cancel(*code - 128);
  return *code == 0 ? Status()
                    : make_error(fmt::format("the image \"{}\" could not be pulled", printable(name)), "see above");
}

Status Supplies::file(const std::string& url, const std::string& place, const std::string& step,
                      const std::function<bool()>& cancelled) {
  Listener listener(context_, progress_, step);
  Result<int> code = carry_out(listener.context(), FetchOrder{url, place}, listener.watch(cancelled));
  listener.finish();
  if (!code) return std::move(code).error();
  return *code == 0 ? Status() : make_error(fmt::format("the download of \"{}\" failed", printable(url)), "see above");
}

Result<std::string> Supplies::repository(const git::CloneRequest& request, const std::string& ssh_agent,
                                         const std::string& step, const std::function<bool()>& cancelled) {
  Listener listener(context_, progress_, step);
  Result<std::string> commit = clone(listener.context(), request, ssh_agent, listener.watch(cancelled));
  listener.finish();
  return commit;
}

}  // namespace berth::cli
