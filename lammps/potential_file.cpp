#include "potential_file.h"

#include "potential_entries.h"
#include "strict.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>

namespace metriplectic {

namespace {

const std::string MAGIC = "metriplectic-potential ";
const std::string VERSION = "1";

// The line that begins at `place`; false where the text ends before the line does.
bool next_line(const std::string &text, std::size_t &place, std::string &line)
{
  const std::size_t end = text.find('\n', place);
  if (end == std::string::npos) return false;
  line = text.substr(place, end - place);
  place = end + 1;
  return true;
}

// CRC-32 of the text from `start` on, as zlib computes it
std::string checksum(const std::string &text, std::size_t start)
{
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t k = start; k < text.size(); ++k) {
    crc ^= static_cast<unsigned char>(text[k]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  char hex[9];
  std::snprintf(hex, sizeof(hex), "%08x", static_cast<unsigned>(~crc));
  return hex;
}

}    // namespace

// Holds a file against the table of entries, in its order.
class EntryCheck {
 public:
  explicit EntryCheck(const PotentialFile &file) : file(file)
  {
    for (const Entry &entry : ENTRIES)
      if (applies(entry.when)) check(entry);
    for (const auto &[name, word] : file.words)
      if (!words.count(name)) file.refuse("has the word " + shown(name) + ", which means nothing there");
    for (const auto &[name, values] : file.arrays)
      if (!arrays.count(name)) file.refuse("has numbers " + shown(name) + ", which mean nothing there");
  }

 private:
  using Values = std::vector<double>;

  const PotentialFile &file;
  std::set<std::string> words, arrays;         // that may be there
  std::map<std::string, long long> lengths;    // of the letters and axes in shapes

  bool applies(const std::string &when) const
  {
    if (when.empty() || when == "?") return true;
    const auto conditions = split(when);
    return std::all_of(conditions.begin(), conditions.end(), [this](const auto &x) { return holds(x); });
  }

  bool holds(const std::string &condition) const
  {
    const auto parts = split(condition, '=');
    if (parts[0] == "D") return std::to_string(lengths.at("D")) == parts[1];
    const auto found = file.words.find(parts[0]);
    if (found == file.words.end() || parts.size() == 1) return found != file.words.end();
    const auto wanted = split(parts[1], '|');
    return std::count(wanted.begin(), wanted.end(), found->second) > 0;
  }

  void check(const Entry &entry)
  {
    const std::string name = entry.name, kind = entry.kind, shape = entry.shape;
    if (kind == "word") check_word(entry);
    else if (kind == "network") {
      const std::size_t arrow = shape.find(" > ");
      const std::string in = shape.substr(0, arrow), out = shape.substr(arrow + 3);
      check_numbers(entry, name + ".input.weight", "w " + in, name);
      check_numbers(entry, name + ".input.bias", "w", name);
      check_numbers(entry, name + ".hidden.weight", "u w", name);
      check_numbers(entry, name + ".hidden.bias", "u", name);
      check_numbers(entry, name + ".output.weight", out + " u", name);
      check_numbers(entry, name + ".output.bias", out, name);
    } else
      check_numbers(entry, name, shape, name.substr(0, name.find('.')));
  }

  void check_word(const Entry &entry)
  {
    words.insert(entry.name);
    const auto found = file.words.find(entry.name);
    if (found == file.words.end()) {
      if (std::string(entry.when) != "?") file.refuse(std::string("lacks the word ") + entry.name);
      return;
    }
    const auto allowed = split(entry.shape);
    if (*entry.shape && !std::count(allowed.begin(), allowed.end(), found->second))
      file.refuse(std::string("has ") + entry.name + " = " + shown(found->second) +
                  ", which must be one of " + entry.shape + " (" + entry.meaning + ")");
  }

  void check_numbers(const Entry &entry, const std::string &name, const std::string &shape,
                     const std::string &scope)
  {
    arrays.insert(name);
    const auto found = file.arrays.find(name);
    if (found == file.arrays.end()) {
      if (std::string(entry.when) != "?") file.refuse("lacks the numbers " + name);
      return;
    }
    fill(name, shape, scope, (long long) found->second.size());
    const std::string kind = entry.kind;
    if (kind == "axis" || kind == "radial") check_axis(entry, found->second);
    else check_values(entry, name, found->second);
    if (name == "dimension") lengths["D"] = (long long) found->second[0];
  }

  // Whether so many numbers have the shape; the factor that is not known yet follows from them.
  void fill(const std::string &name, const std::string &shape, const std::string &scope, long long count)
  {
    std::string text, unknown;
    long long product = 1, offset = 0;
    for (const std::string &factor : split(shape)) {
      const auto parts = split(factor, '+');
      const bool global = parts[0] == "D" || parts[0].find('.') != std::string::npos;
      const std::string letter = global ? parts[0] : scope + "." + parts[0];
      const long long more = parts.size() > 1 ? std::stoll(parts[1]) : 0;
      long long value;
      if (!read_whole(parts[0], value)) {
        const auto found = lengths.find(letter);
        value = found == lengths.end() ? 0 : found->second + more;
      }
      if (!text.empty()) text += " x ";
      text += value ? std::to_string(value) : factor;
      if (value) product *= value;
      else unknown = letter, offset = more;
    }
    const long long rest = count / product - offset;
    if (count % product || (unknown.empty() ? rest != 1 : rest < 1))
      file.refuse("has " + std::to_string(count) + " numbers " + name + ", which must be " + text);
    if (!unknown.empty()) lengths[unknown] = rest;
  }

  void check_values(const Entry &entry, const std::string &name, const Values &values)
  {
    const std::string kind = entry.kind;
    const bool ends = kind == "ends", direction = kind == "direction";
    const bool whole = ends || direction || kind == "whole";
    const double high = ends ? double(lengths.at("solid.n"))
                             : direction ? double(lengths.at("D")) : entry.high;
    const auto label = [&](std::size_t k) {
      return values.size() == 1 ? name : name + "[" + std::to_string(k) + "]";
    };
    for (std::size_t k = 0; k < values.size(); ++k)
      if (!(values[k] >= entry.low && values[k] <= high) || (whole && values[k] != std::floor(values[k])))
        file.refuse("has " + label(k) + " = " + shown(values[k]) + ", which must be " +
                    (whole ? "a whole number " : "") + "from " + shown(entry.low) + " to " +
                    shown(high) + " (" + entry.meaning + ")");
    const bool quantiles = kind == "quantiles", times = kind == "times";
    for (std::size_t k = 1; k < values.size(); ++k)
      if ((quantiles && values[k] < values[k - 1]) || (times && values[k] <= values[k - 1]))
        file.refuse("has " + label(k) + " = " + shown(values[k]) + " after " + shown(values[k - 1]) +
                    ", which must " + (times ? "increase (" : "not decrease (") + entry.meaning + ")");
    for (std::size_t k = 0; ends && k < values.size(); k += 2)
      if (values[k] == values[k + 1])
        file.refuse("has a bond of particle " + shown(values[k]) + " with itself in " + name);
  }

  void check_axis(const Entry &entry, const Values &axis)
  {
    const std::string name = entry.name, meaning = std::string(" (") + entry.meaning + ")";
    for (int k = 0; k < 2; ++k)
      if (!(axis[k] >= entry.low && axis[k] <= entry.high))
        file.refuse("has " + name + "[" + std::to_string(k) + "] = " + shown(axis[k]) +
                    ", which must be from " + shown(entry.low) + " to " + shown(entry.high) + meaning);
    if (!(axis[2] >= 1.0 && axis[2] <= MOST_INTERVALS) || axis[2] != std::floor(axis[2]))
      file.refuse("has " + shown(axis[2]) + " intervals of " + name +
                  ", which must be a whole number from 1 to " + shown(MOST_INTERVALS) + meaning);
    const double size = 1.0 + std::fabs(axis[0]) + std::fabs(axis[1]);
    if (!(axis[1] - axis[0] >= LEAST_WIDTH * size))
      file.refuse("has " + name + " from " + shown(axis[0]) + " to " + shown(axis[1]) +
                  ", which is no interval" + meaning);
    const double h = file.number("cutoff");
    if (std::string(entry.kind) == "radial" && (axis[0] != 0.0 || axis[1] != h))
      file.refuse("has " + name + " from " + shown(axis[0]) + " to " + shown(axis[1]) +
                  ", which must be from 0 to the cutoff " + shown(h) + meaning);
    lengths[name] = (long long) axis[2];
  }
};

PotentialFile::PotentialFile(const std::string &text, const std::string &path) : path(path)
{
  std::size_t place = 0;
  std::string first, second;
  next_line(text, place, first);
  next_line(text, place, second);
  if (first.compare(0, MAGIC.size(), MAGIC) != 0)
    throw std::runtime_error(path + " is not a potential file: its first word must be " + MAGIC);
  if (first.substr(MAGIC.size()) != VERSION)
    refuse("has format version " + shown(first.substr(MAGIC.size())) + ", expected " + VERSION);
  if (second != "checksum " + checksum(text, place))
    refuse("was altered or cut short, for its checksum is " + checksum(text, place) +
           " and its header says " + shown(second));
  parse(text, place);
  EntryCheck check(*this);
}

void PotentialFile::refuse(const std::string &what) const
{
  throw std::runtime_error(path + " " + what + ": export the model again");
}

void PotentialFile::parse(const std::string &text, std::size_t place)
{
  std::string line;
  for (;;) {
    if (!next_line(text, place, line)) refuse("ends without the line 'end'");
    if (line == "end") {
      if (place != text.size()) refuse("goes on after the line 'end'");
      return;
    }
    const std::size_t a = line.find(' '), b = a == std::string::npos ? a : line.find(' ', a + 1);
    const std::string kind = line.substr(0, a);
    if (b == std::string::npos || b == a + 1 || (kind != "word" && kind != "numbers"))
      refuse("has the line " + shown(line) + ", which is neither a word nor numbers");
    const std::string name = line.substr(a + 1, b - a - 1), rest = line.substr(b + 1);
    if (has(name)) refuse("has " + shown(name) + " twice");
    if (kind == "word") {
      words[name] = rest;
      continue;
    }
    long long count;
    if (!read_whole(rest, count))
      refuse("has " + shown(rest) + " numbers " + shown(name) + ", which is not a count");
    std::vector<double> &values = arrays[name];
    while ((long long) values.size() < count) {
      if (!next_line(text, place, line)) refuse("ends within the numbers " + shown(name));
      for (const std::string &token : split(line)) {
        double value;
        if (!read_real(token, value))
          refuse("has " + shown(token) + " among the numbers " + shown(name) + ", which is not a finite number");
        values.push_back(value);
      }
    }
    if ((long long) values.size() > count)
      refuse("has more than " + std::to_string(count) + " numbers " + shown(name));
  }
}

bool PotentialFile::has(const std::string &name) const
{
  return words.count(name) || arrays.count(name);
}

const std::string &PotentialFile::word(const std::string &name) const { return words.at(name); }

const std::vector<double> &PotentialFile::numbers(const std::string &name) const
{
  return arrays.at(name);
}

double PotentialFile::number(const std::string &name) const { return numbers(name)[0]; }

}    // namespace metriplectic
