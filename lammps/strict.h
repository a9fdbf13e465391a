// Numbers read from text: the whole of a token, finite, whatever the locale of the host says.
#ifndef METRIPLECTIC_STRICT_H
#define METRIPLECTIC_STRICT_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace metriplectic {

// a number as messages show it
inline std::string shown(double x)
{
  char text[40];
  std::snprintf(text, sizeof(text), "%.10g", x);
  return text;
}

// what stands in a file as messages show it: at most 40 characters, none that would spoil a log
inline std::string shown(const std::string &text)
{
  std::string out = text.substr(0, 40);
  for (char &c : out)
    if (c < ' ' || c > '~') c = '?';
  return "'" + out + "'";
}

inline std::vector<std::string> split(const std::string &line, char at = ' ')
{
  std::vector<std::string> parts(1);
  for (const char c : line)
    if (c == at) parts.emplace_back();
    else parts.back() += c;
  return parts;
}

// [sign] digits [. digits] [e [sign] digits] at `at`, which is moved behind it, finite; neither nan, inf
// nor hexadecimal
inline bool take_real(const char *&at, double &value)
{
  const char *begin = at;
  const auto digits = [&at] {
    const char *first = at;
    while (*at >= '0' && *at <= '9') ++at;
    return at - first;
  };
  if (*at == '+' || *at == '-') ++at;
  auto count = digits();
  if (*at == '.') ++at, count += digits();
  if (!count) return false;
  if (*at == 'e' || *at == 'E') {
    ++at;
    if (*at == '+' || *at == '-') ++at;
    if (!digits()) return false;
  }
  value = std::strtod(begin, nullptr);
  return std::isfinite(value);
}

inline bool read_real(const std::string &token, double &value)
{
  const char *at = token.c_str();
  return take_real(at, value) && at == token.c_str() + token.size();
}

// one to fifteen digits, which a double holds
inline bool read_whole(const std::string &token, long long &value)
{
  if (token.empty() || token.size() > 15) return false;
  if (token.find_first_not_of("0123456789") != std::string::npos) return false;
  value = std::strtoll(token.c_str(), nullptr, 10);
  return true;
}

}    // namespace metriplectic

#endif
