#include <fmt/core.h>

#include <algorithm>

#include "compose/items.h"
#include "compose/port.h"

namespace berth::compose {
namespace {

constexpr std::array<std::string_view, 3> kProtocols = {"tcp", "udp", "sctp"};

struct Published : TextOrNumber {
  static bool decode(const In& in, std::string& value) {
    if (!TextOrNumber::decode(in, value)) return false;
    if (value.empty() || valid_port_range(value)) return true;
    in.error(fmt::format("\"{}\" is not a port or a range of ports", value), "write \"8080\" or \"8000-8010\"");
    return false;
  }
};
constexpr Attr kPortRows[] = {
    attr<&Port::app_protocol, IfAny<Text>>("app_protocol").ignored(),
    attr<&Port::host_ip, IfAny<IpAddress>>("host_ip"),
    attr<&Port::mode, Text>("mode").ignored("both modes are the same on one host"),
    attr<&Port::name, IfAny<Text>>("name").ignored(),
    attr<&Port::protocol, OneOf<kProtocols>>("protocol"),
    attr<&Port::published, IfAny<Published>>("published"),
    attr<&Port::target, PortNumber>("target"),
};
const Table& port_table() {
  static constexpr Table kTable{"port", kPortRows, extensions_of<Port>};
  return kTable;
}

void port_to_long(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out) {
  Result<std::vector<Port>> ports = parse_port(item.text);
  if (!ports.ok()) {
    std::string hint = ports.error().hint.empty() ? "the form is [[ip:]host:]container[/protocol]" : ports.error().hint;
    diagnostics.error(item.span, fmt::format("{}: \"{}\": {}", path.str(), item.text, ports.error().message()), hint);
    return;
  }
  for (const Port& port : *ports) {
    Tree tree = Tree::map();
    encode_object(&port, port_table(), tree);
    set_span(tree, item.span);
    out.push_back(std::move(tree));
  }
}

}  // namespace

const Table& Ports::table() {
  return port_table();
}
void Ports::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, port_to_long);
}
bool Ports::decode(const In& in, std::vector<Port>& value) {
  require_keys(in, "target");
  return decode_items<Port, port_table>(in, value);
}
bool Ports::encode(const std::vector<Port>& value, Tree& out) {
  return ObjectList<Port, port_table>::encode(value, out);
}

}  // namespace berth::compose
