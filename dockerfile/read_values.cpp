#include <fmt/core.h>

#include "base/text.h"
#include "dockerfile/reading.h"
#include "dockerfile/words.h"

namespace berth::dockerfile {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return to_lower(text).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

bool is_stage_name(const std::string& name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
}

/// "NAME=value" in two; the places are those of the word.
std::pair<Text, Text> split_pair(const Text& word, size_t equals) {
  Text name{word.value.substr(0, equals), word.span};
  Text value{word.value.substr(equals + 1), word.span};
  name.span.length = static_cast<int>(name.value.size());
  value.span.column += static_cast<int>(equals + 1);
  value.span.length = static_cast<int>(value.value.size());
  return {std::move(name), std::move(value)};
}

}  // namespace

From read_from(Reading& reading) {
  From from;
  from.platform = reading.flag("platform");
  reading.finish_flags();
  std::vector<Text> words = reading.plain_words();
  if (words.empty()) {
    reading.error(reading.keyword_span(), "needs an image", "FROM IMAGE [AS NAME]");
    return from;
  }
  from.image = words[0];
  if (words.size() == 1) return from;
  if (words.size() != 3 || to_lower(words[1].value) != "as") {
    reading.error(words[1].span, fmt::format("\"{}\" is one word too many", printable(words[1].value)),
                  "FROM IMAGE [AS NAME]");
    return from;
  }
  words[2].value = to_lower(words[2].value);
  if (!is_stage_name(words[2].value)) {
    reading.error(words[2].span, fmt::format("\"{}\" cannot name a stage", printable(words[2].value)),
                  "a name begins with a letter and has letters, digits, \"-\", \"_\" and \".\"");
  }
  from.name = words[2];
  return from;
}

Arg read_arg(Reading& reading) {
  reading.finish_flags();
  Arg arg;
  for (const Text& word : reading.words()) {
    size_t equals = word.value.find('=');
    Arg::One one;
    if (equals == std::string::npos) {
      one.name = word;
    } else {
      auto [name, value] = split_pair(word, equals);
      one.name = std::move(name);
      one.value = std::move(value);
    }
    if (!is_name(one.name.value)) {
      reading.error(one.name.span, fmt::format("\"{}\" is no name of a variable", printable(one.name.value)),
                    "letters, digits and \"_\", no digit first");
    }
    arg.all.push_back(std::move(one));
  }
  if (arg.all.empty()) reading.error(reading.keyword_span(), "needs a name", "ARG NAME[=DEFAULT]");
  return arg;
}

std::vector<std::pair<Text, Text>> read_pairs(Reading& reading) {
  reading.finish_flags();
  std::vector<Text> words = reading.words();
  std::vector<std::pair<Text, Text>> pairs;
  if (words.empty()) {
    reading.error(reading.keyword_span(), "needs NAME=VALUE");
    return pairs;
  }
  if (words[0].value.find('=') == std::string::npos) {  // the old form: everything behind the name is the value
    Text rest = reading.rest();
    size_t begin = rest.value.find_first_not_of(" \t", words[0].value.size());
    if (begin == std::string::npos) {
      reading.error(words[0].span, fmt::format("\"{}\" has no value", printable(words[0].value)), "NAME=VALUE");
      return pairs;
    }
    reading.warning(words[0].span, fmt::format("\"{} VALUE\" is the old form", printable(words[0].value)),
                    fmt::format("write {}=VALUE", printable(words[0].value)));
    Text value{rest.value.substr(begin), words.size() > 1 ? words[1].span : rest.span};
    pairs.emplace_back(words[0], std::move(value));
    return pairs;
  }
  for (const Text& word : words) {
    size_t equals = word.value.find('=');
    if (equals == std::string::npos || equals == 0) {
      reading.error(word.span, fmt::format("\"{}\": expected NAME=VALUE", printable(word.value)),
                    "a value with blanks needs quotes");
      continue;
    }
    pairs.push_back(split_pair(word, equals));
  }
  return pairs;
}

Healthcheck read_healthcheck(Reading& reading) {
  Healthcheck check;
  check.interval = reading.flag("interval");
  check.timeout = reading.flag("timeout");
  check.start_period = reading.flag("start-period");
  check.start_interval = reading.flag("start-interval");
  check.retries = reading.flag("retries");
  reading.finish_flags();
  Text rest = reading.rest();
  size_t end = std::min(rest.value.find_first_of(" \t"), rest.value.size());
  std::string word = to_lower(rest.value.substr(0, end));
  std::string command(trim(std::string_view(rest.value).substr(end)));
  if (word == "none") {
    check.none = true;
    if (!command.empty()) reading.error(rest.span, "NONE stands alone");
  } else if (word == "cmd" && !command.empty()) {
    auto words = exec_form(command);
    check.command.exec_form = words.has_value();
    check.command.words = words ? std::move(*words) : std::vector<std::string>{command};
  } else {
    reading.error(word.empty() ? reading.keyword_span() : rest.span, "expected NONE, or CMD and a command");
  }
  return check;
}

}  // namespace berth::dockerfile
