#include "netns/resolv_conf.h"

#include <algorithm>

#include "base/text.h"

namespace berth::netns {
namespace {

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return out;
    const size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    out.emplace_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> parts = words(line.substr(0, line.find_first_of("#;")));
    if (parts.size() < 2) continue;
    const std::string key = parts.front();
    parts.erase(parts.begin());
    if (key == "nameserver") {
      // "fe80::1%eth0" needs a scope that has no meaning elsewhere; left out like anything else that is no address.
      if (const auto address = Address::parse(parts.front())) conf.nameservers.push_back(*address);
    } else if (key == "search" || key == "domain") {
      conf.search = parts;
    } else if (key == "options") {
      conf.options.insert(conf.options.end(), parts.begin(), parts.end());
    }
  }
  return conf;
}

std::string render_container_resolv_conf(const std::vector<std::string>& search,
                                         const std::vector<std::string>& options) {
  std::string text = "nameserver 127.0.0.11\n";
  if (!search.empty()) text += "search " + join(search, " ") + "\n";
  std::vector<std::string> all = options;
  const auto is_ndots = [](const std::string& option) { return option.starts_with("ndots:"); };
  if (std::ranges::none_of(all, is_ndots)) all.emplace_back("ndots:0");
  return text + "options " + join(all, " ") + "\n";
}

}  // namespace berth::netns
