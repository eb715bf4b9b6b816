#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "cli/table.h"
#include "cli/trace/timeline.h"

namespace berth::cli::trace {
namespace {

constexpr size_t kNameColumns = 28, kTimeColumns = 10, kLeastBar = 20;

struct Row {
  std::string what;
  int64_t begin_us = 0, end_us = 0;
  bool critical = false, failed = false, part = false;
  std::vector<std::pair<int64_t, int64_t>> bars;  // where it is not one
};

struct Glyphs {
  const char *critical, *other, *failed;
};
constexpr Glyphs kUnicode{"█", "░", "✘"};
constexpr Glyphs kAscii{"#", "-", "x"};

class Waterfall {
 public:
  Waterfall(const Timeline& timeline, const WaterfallStyle& style)
      : timeline_(timeline),
        style_(style),
        glyphs_(style.unicode ? kUnicode : kAscii),
        path_(critical_path(timeline)),
        bar_columns_(std::max(kLeastBar + kNameColumns + kTimeColumns, style.columns) - kNameColumns - kTimeColumns -
                     3) {}

  std::string draw() {
    collect();
    const std::string whole = time_text(whole_us());
    std::string text = fmt::format("{:{}}  0{:>{}}\n", "", kNameColumns + kTimeColumns, whole, bar_columns_ - 1);
    size_t left_out = 0;
    for (const std::string& who : order_) {
      std::string body;
      for (const Row& row : rows_[who]) {
        if (is_shown(row))
          body += line(row);
        else
          ++left_out;
      }
      if (!body.empty()) text += tinted("1", who) + "\n" + body;
    }
    if (left_out > 0) text += fmt::format("({} shorter than {} left out)\n", left_out, time_text(least_us()));
    return text + "\n" + path_table() + fmt::format("\nup took {}", whole) +
           (path_.empty() ? "\n" : "; " + verdict(path_) + "\n");
  }

 private:
  [[nodiscard]] int64_t whole_us() const { return std::max<int64_t>(timeline_.end_us - timeline_.begin_us, 1); }
  /// Half a column.
  [[nodiscard]] int64_t least_us() const { return whole_us() / static_cast<int64_t>(bar_columns_ * 2); }

  [[nodiscard]] bool is_shown(const Row& row) const {
    return row.critical || row.failed || row.end_us - row.begin_us >= least_us();
  }

  [[nodiscard]] std::string tinted(const char* tint, const std::string& text) const {
    return style_.colour ? fmt::format("\033[{}m{}\033[0m", tint, text) : text;
  }

  /// So many columns wide.
  [[nodiscard]] static std::string cell(std::string text, size_t columns) {
    while (display_width(text) > columns) text.pop_back();
    return text + std::string(columns - display_width(text), ' ');
  }

  std::vector<Row>& rows_of(const std::string& who) {
    auto [place, is_new] = rows_.try_emplace(who);
    if (is_new) order_.push_back(who);
    return place->second;
  }

  void collect() {
    std::set<std::pair<bool, size_t>> critical;
    for (const Leg& leg : path_) critical.emplace(leg.of_step, leg.index);
    std::vector<std::pair<std::string, Row>> all;
    for (size_t i = 0; i < timeline_.steps.size(); ++i) {
      const TracedStep& step = timeline_.steps[i];
      all.emplace_back(
          step.who,
          Row{short_verb(step.verb), step.begin_us, step.end_us, critical.contains({true, i}), step.failed, false, {}});
    }
    std::map<std::string, Row> probes;
    for (size_t i = 0; i < timeline_.spans.size(); ++i) {
      const engine::Span& span = timeline_.spans[i];
      if (span.what == "probe") {
        add_probe(probes[span.who], span);
        continue;
      }
      all.emplace_back(span.who, Row{printable(span.what),
                                     span.begin_us,
                                     span.end_us,
                                     critical.contains({false, i}),
                                     span.failed,
                                     is_part(span),
                                     {}});
    }
    for (auto& [who, row] : probes) {
      row.what = fmt::format("{} {}", row.bars.size(), row.bars.size() == 1 ? "probe" : "probes");
      all.emplace_back(who, std::move(row));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      if (a.second.begin_us != b.second.begin_us) return a.second.begin_us < b.second.begin_us;
      return a.second.end_us > b.second.end_us;
    });
    for (auto& [who, row] : all) rows_of(short_name(timeline_, who)).push_back(std::move(row));
  }

  static void add_probe(Row& row, const engine::Span& span) {
    if (row.bars.empty()) row.begin_us = span.begin_us;
    row.end_us = span.end_us;
    row.part = true;
    row.bars.emplace_back(span.begin_us, span.end_us);
  }

  /// Of a step or of a pull, which have a row of their own above it.
  [[nodiscard]] static bool is_part(const engine::Span& span) {
    return span.who.starts_with("Container ") || (span.who.starts_with("Image ") && span.what != "pull");
  }

  [[nodiscard]] size_t column(int64_t moment_us) const {
    const int64_t since = std::clamp<int64_t>(moment_us - timeline_.begin_us, 0, whole_us());
    return static_cast<size_t>(since) * bar_columns_ / static_cast<size_t>(whole_us());
  }

  [[nodiscard]] std::string line(const Row& row) const {
    std::vector<bool> filled(bar_columns_);
    std::vector<std::pair<int64_t, int64_t>> bars = row.bars;
    if (bars.empty()) bars.emplace_back(row.begin_us, row.end_us);
    for (const auto& [begin, end] : bars) {
      const size_t first = std::min(column(begin), bar_columns_ - 1);
      std::fill(filled.begin() + static_cast<ptrdiff_t>(first),
                filled.begin() + static_cast<ptrdiff_t>(std::max(column(end), first + 1)), true);
    }
    std::string bar;
    for (bool one : filled) bar += !one ? " " : row.critical ? glyphs_.critical : glyphs_.other;
    bar.erase(bar.find_last_not_of(' ') + 1);
    if (row.failed) bar += std::string(" ") + glyphs_.failed;
    return fmt::format("{}{:>{}}  {}\n", cell((row.part ? "    " : "  ") + row.what, kNameColumns),
                       time_text(row.end_us - row.begin_us), kTimeColumns,
                       row.failed     ? tinted("31", bar)
                       : row.critical ? tinted("33", bar)
                                      : bar);
  }

  [[nodiscard]] std::string path_table() const {
    std::string text = tinted("1", "critical path") + "\n";
    for (const Leg& leg : path_) {
      if (leg.end_us - leg.begin_us < least_us() && &leg != &path_.back()) continue;
      text += fmt::format("{:>{}}  {} {}", time_text(leg.end_us - leg.begin_us), kTimeColumns, leg.who, leg.what);
      if (leg.why.starts_with("after "))
        text += " " + leg.why;
      else if (!leg.why.empty())
        text += ": " + leg.why;
      text += "\n";
    }
    return text;
  }

  const Timeline& timeline_;
  const WaterfallStyle& style_;
  const Glyphs& glyphs_;
  std::vector<Leg> path_;
  size_t bar_columns_;
  std::vector<std::string> order_;  // of `rows_`
  std::map<std::string, std::vector<Row>> rows_;
};

}  // namespace

std::string to_waterfall(const Timeline& timeline, const WaterfallStyle& style) {
  return Waterfall(timeline, style).draw();
}

}  // namespace berth::cli::trace
