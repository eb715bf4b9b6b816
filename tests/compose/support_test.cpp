#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "compose/attrs.h"

using namespace berth;
using namespace berth::compose;

// docs/compose-support.md says of every attribute what becomes of it. It is made from the tables themselves; scripts/
// compose-support writes it anew.

namespace {

constexpr const char* kPage = "docs/compose-support.md";
constexpr const char* kHead = R"(# What of the Compose language is supported

Made by `scripts/compose-support` from the tables in `compose/`; do not edit. An attribute that is not here is an error
that names the place and the nearest valid name. Below an attribute that has no effect, nothing has.

- `applied`: the runtime does what the attribute says.
- `no effect yet`: read, checked, merged and shown by `config`; using it prints one warning.
- `no effect here`: the same, in silence: it means nothing on this platform or outside of swarm.
- `refused`: `config` shows it with a warning, commands that would need it refuse the file.

| attribute | state | remark |
| --- | --- | --- |
)";

struct State {
  Support support = Support::applied;
  std::string_view note;
};

class Page {
 public:
  std::string text() {
    add_table(project_table(), "", {});
    std::string page = kHead;
    for (const auto& [path, line] : lines_) page += line;
    return page;
  }

 private:
  static const char* word(Support support) {
    switch (support) {
      case Support::applied:
        return "applied";
      case Support::accepted_only:
        return "no effect yet";
      case Support::ignored:
        return "no effect here";
      case Support::refused:
        return "refused";
    }
    return "";
  }

  void add_table(const Table& table, const std::string& prefix, State above) {
    for (const Attr& row : table.rows) {
      // What stands below something without effect can have none.
      State state = above.support == Support::applied ? State{row.support, row.note} : above;
      add_row(row, prefix + std::string(row.key), state);
    }
  }

  void add_row(const Attr& row, const std::string& path, State state) {
    // A remark may say that validate() or lower() refuses it, who see what the table does not: `external: false` is
    // fine.
    constexpr std::string_view kRefused = "refused: ";
    if (state.note.starts_with(kRefused)) state = {Support::refused, state.note.substr(kRefused.size())};
    lines_[path] = "| `" + path + "` | " + word(state.support) + " | " + std::string(state.note) + " |\n";
    switch (row.below.kind) {
      case Below::Kind::nothing:
        return;
      case Below::Kind::object:
        return add_table(row.below.table(), path + ".", {state.support, {}});
      case Below::Kind::map_of_objects:
        return add_table(row.below.table(), path + ".*.", {state.support, {}});
      case Below::Kind::list_of_objects:
        return add_table(row.below.table(), path + ".[].", {state.support, {}});
    }
  }

  std::map<std::string, std::string> lines_;
};

}  // namespace

TEST_CASE("the page of what is supported is as the tables are") {
  std::string page = Page().text();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(kPage) << page;
  std::ifstream file(kPage);
  std::stringstream written;
  written << file.rdbuf();
  CHECK(page == written.str());
}
