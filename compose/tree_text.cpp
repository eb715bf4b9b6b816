#include <fmt/core.h>

#include <algorithm>

#include "compose/emit.h"
#include "compose/scalar.h"

namespace berth::compose {
namespace {

bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Words that YAML 1.1 readers take for booleans, and numbers of base 60: quoted for their sake.
bool old_yaml_special(std::string_view text) {
  using std::string_view_literals::operator""sv;
  constexpr std::string_view kWords[] = {"y"sv, "Y"sv,  "yes"sv, "Yes"sv, "YES"sv, "on"sv,  "On"sv,  "ON"sv, "n"sv,
                                         "N"sv, "no"sv, "No"sv,  "NO"sv,  "off"sv, "Off"sv, "OFF"sv, "<<"sv, "="sv};
  if (text.size() <= 3 && std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords)) return true;
  return text.find(':') != std::string_view::npos && only(text, "0123456789:._-+");
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// Whether the text, written without quotes, is read back as the same string.
bool plain_is_safe(std::string_view text) {
  if (text.empty() || old_yaml_special(text) || has_control(text)) return false;
  if (std::string_view("?:,[]{}#&*!|>'\"%@` ").find(text.front()) != std::string_view::npos) return false;
  if (text.front() == '-' && (text.size() == 1 || text[1] == ' ' || text.starts_with("---"))) return false;
  if (text.starts_with("...") || text.back() == ' ' || text.back() == ':') return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  Tree read;
  resolve_plain(read, text);
  return read.is_string() && read.text == text;
}

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out += c;
    }
  }
  out += '"';
}

/// Texts of several lines stay readable as a block, where a block can hold them unchanged.
bool fits_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\n' ||
      text.front() == '\t') {
    return false;
  }
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
  });
}

class YamlWriter {
 public:
  std::string write(const Tree& tree) {
    if (tree.is_map() && !tree.members.empty())
      map(tree, 0);
    else if (tree.is_list() && !tree.items.empty())
      list(tree, 0);
    else
      scalar(tree, 0), out_ += '\n';
    return std::move(out_);
  }

 private:
  void indent(int depth) { out_.append(static_cast<size_t>(depth) * 2, ' '); }

  void key(std::string_view text) {
    if (plain_is_safe(text))
      out_ += text;
    else
      append_escaped(out_, text);
    out_ += ':';
  }

  void map(const Tree& tree, int depth) {
    for (size_t i = 0; i < tree.members.size(); ++i) {
      if (i > 0 || !inline_) indent(depth);
      inline_ = false;
      key(tree.members[i].key);
      value(tree.members[i].value, depth + 1);
    }
  }

  void list(const Tree& tree, int depth) {
    for (size_t i = 0; i < tree.items.size(); ++i) {
      if (i > 0 || !inline_) indent(depth);
      inline_ = false;
      const Tree& item = tree.items[i];
      out_ += '-';
      if ((item.is_map() && !item.members.empty()) || (item.is_list() && !item.items.empty())) {
        out_ += ' ';
        inline_ = true;  // the first line stands behind the dash
        if (item.is_map())
          map(item, depth + 1);
        else
          list(item, depth + 1);
      } else {
        value(item, depth + 1);
      }
    }
  }

  /// What comes after "key:" or "-".
  void value(const Tree& tree, int depth) {
    if (tree.is_map() && !tree.members.empty()) {
      out_ += '\n';
      map(tree, depth);
    } else if (tree.is_list() && !tree.items.empty()) {
      out_ += '\n';
      list(tree, depth);
    } else {
      out_ += ' ';
      scalar(tree, depth);
      out_ += '\n';
    }
  }

  void scalar(const Tree& tree, int depth) {
    switch (tree.kind) {
      case Tree::Kind::null:
        out_ += "null";
        return;
      case Tree::Kind::list:
        out_ += "[]";
        return;
      case Tree::Kind::map:
        out_ += "{}";
        return;
      case Tree::Kind::boolean:
      case Tree::Kind::integer:
      case Tree::Kind::real:
        out_ += tree.text;
        return;
      case Tree::Kind::string:
        break;
    }
    if (plain_is_safe(tree.text))
      out_ += tree.text;
    else if (!tree.text.empty() && fits_block(tree.text))
      block(tree.text, depth);
    else
      append_escaped(out_, tree.text);
  }

  void block(std::string_view text, int depth) {
    bool ends = text.ends_with('\n');
    out_ += !ends ? "|-" : text.ends_with("\n\n") ? "|+" : "|";
    if (ends) text.remove_suffix(1);
    while (true) {
      size_t newline = text.find('\n');
      out_ += '\n';
      std::string_view line = text.substr(0, newline);
      if (!line.empty()) indent(std::max(depth, 1));
      out_ += line;
      if (newline == std::string_view::npos) return;
      text.remove_prefix(newline + 1);
    }
  }

  std::string out_;
  bool inline_ = false;
};

class JsonWriter {
 public:
  explicit JsonWriter(bool indent) : indent_(indent) {}

  std::string write(const Tree& tree) {
    value(tree, 0);
    return std::move(out_);
  }

 private:
  void line(int depth) {
    if (!indent_) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(depth) * 2, ' ');
  }

  void value(const Tree& tree, int depth) {
    switch (tree.kind) {
      case Tree::Kind::null:
        out_ += "null";
        return;
      case Tree::Kind::boolean:
      case Tree::Kind::integer:
        out_ += tree.text;
        return;
      case Tree::Kind::real:
        real(tree.text);
        return;
      case Tree::Kind::string:
        append_escaped(out_, tree.text);
        return;
      case Tree::Kind::list:
        return list(tree, depth);
      case Tree::Kind::map:
        return map(tree, depth);
    }
  }

  void real(const std::string& text) {
    bool number = only(text, "0123456789.+-e") && text.find_first_of("0123456789") != std::string::npos;
    if (number)
      out_ += text;
    else
      append_escaped(out_, text);  // JSON has no infinity
  }

  void list(const Tree& tree, int depth) {
    out_ += '[';
    for (size_t i = 0; i < tree.items.size(); ++i) {
      if (i > 0) out_ += ',';
      line(depth + 1);
      value(tree.items[i], depth + 1);
    }
    if (!tree.items.empty()) line(depth);
    out_ += ']';
  }

  void map(const Tree& tree, int depth) {
    out_ += '{';
    for (size_t i = 0; i < tree.members.size(); ++i) {
      if (i > 0) out_ += ',';
      line(depth + 1);
      append_escaped(out_, tree.members[i].key);
      out_ += indent_ ? ": " : ":";
      value(tree.members[i].value, depth + 1);
    }
    if (!tree.members.empty()) line(depth);
    out_ += '}';
  }

  std::string out_;
  bool indent_;
};

}  // namespace

std::string yaml_text(const Tree& tree) {
  return YamlWriter().write(tree);
}
std::string json_text(const Tree& tree, bool indent) {
  return JsonWriter(indent).write(tree);
}

}  // namespace berth::compose
