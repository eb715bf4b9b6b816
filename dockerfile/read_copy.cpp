#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "dockerfile/expand.h"
#include "dockerfile/reading.h"
#include "dockerfile/words.h"

namespace berth::dockerfile {
namespace {

/// An octal number; symbolic modes ("u=rwX,go=rX") as well.
bool is_mode(std::string_view text) {
  bool octal = !text.empty() && text.size() <= 5 && text.find_first_not_of("01234567") == std::string_view::npos;
  bool symbolic = text.find_first_not_of("ugoarwxXst+-=,") == std::string_view::npos &&
                  text.find_first_of("+-=") != std::string_view::npos;
  return octal || symbolic;
}

std::vector<Text> paths_of(Reading& reading) {
  Text rest = reading.rest();
  std::optional<std::vector<std::string>> list = exec_form(rest.value);
  if (!list) return reading.words();
  std::vector<Text> paths;
  for (std::string& path : *list) paths.push_back({std::move(path), rest.span});
  return paths;
}

}  // namespace

Copy read_copy(Reading& reading, bool add) {
  Copy copy;
  copy.add = add;
  copy.chown = reading.flag("chown");
  copy.chmod = reading.flag("chmod");
  copy.link = reading.switch_flag("link").value_or(false);
  copy.exclude = reading.flags("exclude");
  if (add) {
    copy.checksum = reading.flag("checksum");
    copy.keep_git_dir = reading.switch_flag("keep-git-dir").value_or(false);
    copy.unpack = reading.switch_flag("unpack");
  } else {
    copy.from = reading.flag("from");
    copy.parents = reading.switch_flag("parents").value_or(false);
  }
  reading.finish_flags();
  if (copy.chmod && copy.chmod->value.find('$') == std::string::npos && !is_mode(copy.chmod->value)) {
    reading.error(copy.chmod->span,
                  fmt::format("--chmod=\"{}\": expected an octal number such as 0755, or a symbolic mode",
                              printable(copy.chmod->value)));
  }
  std::vector<Text> words = paths_of(reading);
  if (words.size() < 2) {
    reading.error(words.empty() ? reading.keyword_span() : words.front().span,
                  words.empty() ? "needs sources and a destination" : "has no destination",
                  fmt::format("{} SOURCE... DESTINATION", add ? "ADD" : "COPY"));
    return copy;
  }
  copy.destination = std::move(words.back());
  words.pop_back();
  copy.heredocs = reading.line().heredocs;
  for (Text& word : words) {
    if (!is_heredoc_word(word.value)) copy.sources.push_back(std::move(word));
  }
  bool several = copy.sources.size() + copy.heredocs.size() > 1;
  bool variable = copy.destination.value.find('$') != std::string::npos;
  const std::string& destination = copy.destination.value;
  if (several && !variable && !destination.ends_with('/') && destination != "." && !destination.ends_with("/.")) {
    reading.error(copy.destination.span, "with several sources the destination must be a directory",
                  fmt::format("end it with \"/\": {}/", printable(destination)));
  }
  return copy;
}

}  // namespace berth::dockerfile
