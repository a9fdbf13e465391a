#include "potential_file.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace metriplectic {

namespace {

const std::string MAGIC = "metriplectic-potential ";
const std::string VERSION = "1";

std::string line_at(const std::string &text, std::size_t &place)
{
  const std::size_t end = text.find('\n', place);
  if (end == std::string::npos) return "";
  const std::string line = text.substr(place, end - place);
  place = end + 1;
  return line;
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

std::vector<double> read_numbers(const std::string &text, std::size_t &place, std::size_t count)
{
  std::vector<double> values(count);
  const char *begin = text.c_str() + place, *at = begin;
  for (double &value : values) {
    char *next;
    value = std::strtod(at, &next);
    at = next;
  }
  place += at - begin;
  line_at(text, place);
  return values;
}

}    // namespace

PotentialFile::PotentialFile(const std::string &text, const std::string &path) : path(path)
{
  std::size_t place = 0;
  const std::string first = line_at(text, place), second = line_at(text, place);
  if (first.compare(0, MAGIC.size(), MAGIC) != 0)
    throw std::runtime_error(path + " is not a potential file: its first word must be " + MAGIC);
  if (first.substr(MAGIC.size()) != VERSION)
    throw std::runtime_error(path + " has format version " + first.substr(MAGIC.size()) +
                             ", this plugin reads version " + VERSION);
  if (second != "checksum " + checksum(text, place))
    throw std::runtime_error(path + " was altered or cut short: its checksum is " +
                             checksum(text, place) + ", its header says \"" + second + "\"");
  for (;;) {
    const std::string line = line_at(text, place);
    if (line == "end" || line.empty()) return;
    const std::size_t a = line.find(' '), b = line.find(' ', a + 1);
    const std::string kind = line.substr(0, a), name = line.substr(a + 1, b - a - 1);
    const std::string rest = line.substr(b + 1);
    if (kind == "word") words[name] = rest;
    else arrays[name] = read_numbers(text, place, std::strtoul(rest.c_str(), nullptr, 10));
  }
}

bool PotentialFile::has(const std::string &name) const
{
  return words.count(name) || arrays.count(name);
}

const std::string &PotentialFile::word(const std::string &name) const
{
  const auto found = words.find(name);
  if (found == words.end()) throw std::runtime_error(path + " lacks the word " + name);
  return found->second;
}

const std::vector<double> &PotentialFile::numbers(const std::string &name) const
{
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw std::runtime_error(path + " lacks the numbers " + name);
  return found->second;
}

const std::vector<double> &PotentialFile::numbers(const std::string &name, std::size_t count) const
{
  const auto &values = numbers(name);
  if (values.size() != count)
    throw std::runtime_error(path + " has " + std::to_string(values.size()) + " numbers " + name +
                             ", expected " + std::to_string(count));
  return values;
}

double PotentialFile::number(const std::string &name) const { return numbers(name, 1)[0]; }

}    // namespace metriplectic
