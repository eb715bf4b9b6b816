#include "cli/up_trace.h"

#include <fmt/core.h>
#include <unistd.h>

#include "cli/project.h"
#include "cli/unicode_locale.h"
#include "sys/terminal.h"

namespace berth::cli {
namespace {

trace::WaterfallStyle waterfall_style(const Context& context) {
  trace::WaterfallStyle style;
  const sys::WindowSize window = sys::window_size(sys::FdRef(STDERR_FILENO));
  if (window.columns > 0) style.columns = window.columns;
  style.unicode = unicode_locale();
  style.colour = context.colour(STDERR_FILENO);
  return style;
}

}  // namespace

Status UpTrace::begin(const std::string& file) {
  if (file.empty()) return {};
  if (file != "-") {
    BERTH_TRY(OutputFile opened, OutputFile::open(file));
    file_.emplace(std::move(opened));
  }
  recorder_ = std::make_unique<trace::Recorder>();
  context_.trace = recorder_.get();
  return {};
}

void UpTrace::finish(const std::string& project) {
  if (recorder_ == nullptr) return;
  const trace::Timeline timeline = recorder_->timeline(project);
  context_.trace = nullptr;
  recorder_.reset();
  if (!file_ || (context_.progress != "quiet" && context_.progress != "json"))
    fmt::print(stderr, "{}", trace::to_waterfall(timeline, waterfall_style(context_)));
  if (!file_) return;
  Status written = file_->write(trace::to_chrome(timeline));
  if (written) written = file_->complete();
  (void)report(context_, written);
}

}  // namespace berth::cli
