#include "cli/graph/svg_style.h"

#include <fmt/core.h>

namespace berth::cli::graph {
namespace {

struct Colours {
  const char *background, *box, *border, *text, *muted, *healthy, *completed, *volume, *volume_border;
};
constexpr Colours kLight{"#ffffff", "#f8fafc", "#64748b", "#0f172a", "#475569",
                         "#15803d", "#7c3aed", "#fef3c7", "#b45309"};
constexpr Colours kDark{"#0f172a", "#1e293b", "#94a3b8", "#f1f5f9", "#cbd5e1",
                        "#4ade80", "#c4b5fd", "#422006", "#fbbf24"};

/// White can be read on all of them, and they can be seen on light and dark.
constexpr const char* kNetworks[kNetworkColours] = {"#1d4ed8", "#047857", "#b45309", "#7e22ce",
                                                    "#be123c", "#0e7490", "#4d7c0f", "#86198f"};

std::string rules(const Colours& colours) {
  return fmt::format(
      ".background{{fill:{0}}} .service{{fill:{1};stroke:{2}}} .volume{{fill:{7};stroke:{8}}}\n"
      ".title,.name{{fill:{3}}} .detail{{fill:{4}}} .gate{{stroke:{0};fill:{4}}}\n"
      ".edge{{stroke:{2}}} .tip{{fill:{2}}} .mount{{stroke:{8}}}\n"
      ".edge.healthy{{stroke:{5}}} .tip.healthy,.gate.healthy{{fill:{5}}}\n"
      ".edge.completed{{stroke:{6}}} .tip.completed,.gate.completed{{fill:{6}}}\n",
      colours.background, colours.box, colours.border, colours.text, colours.muted, colours.healthy, colours.completed,
      colours.volume, colours.volume_border);
}

std::string style(Theme theme) {
  std::string text =
      "text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;font-size:11px}\n"
      ".title{font-size:16px;font-weight:bold} .name{font-size:14px;font-weight:bold} .chip{fill:#ffffff}\n"
      ".edge{fill:none;stroke-width:1.5} .optional.edge{stroke-dasharray:6 4} .mount{stroke-dasharray:2 3}\n"
      ".gate{stroke-width:4;stroke-linejoin:round;paint-order:stroke}\n";
  for (size_t i = 0; i < kNetworkColours; ++i) text += fmt::format(".network{}{{fill:{}}} ", i, kNetworks[i]);
  text += "\n" + rules(theme == Theme::dark ? kDark : kLight);
  if (theme == Theme::automatic) text += "@media (prefers-color-scheme:dark){\n" + rules(kDark) + "}\n";
  return text;
}

}  // namespace

std::string svg_begin(double width, double height, const std::string& title, Theme theme) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "role=\"img\">\n<title>{2}</title>\n<style>\n{3}</style>\n"
      "<rect class=\"background\" width=\"100%\" height=\"100%\"/>\n",
      width, height, title, style(theme));
}

}  // namespace berth::cli::graph
