// The motion of the medium around the particles: at rest, or a polynomial flow u(r, t), linear in time
// between the times it is given at (pipeline/forcing.py, SampleFlow).
#ifndef METRIPLECTIC_FLOW_H
#define METRIPLECTIC_FLOW_H

#include "potential_file.h"
#include "vectors.h"

#include <algorithm>
#include <vector>

namespace metriplectic {

class Flow {
 public:
  Flow() = default;
  Flow(const PotentialFile &file, int dimension);

  bool rests() const { return powers.empty(); }
  void set_time(double time);
  Vector operator()(const double *r) const;
  bool varies_along(int axis) const;    // whether its places along an axis differ

 private:
  int D = 0;
  std::vector<double> powers;    // [monomial][axis]
  std::vector<double> times, coefficients;    // [time][monomial][axis]
  std::vector<double> now;    // [monomial][axis]
  std::vector<double> centre, half;
};

inline Flow::Flow(const PotentialFile &file, int dimension)
    : D(dimension), powers(file.numbers("flow.powers")), times(file.numbers("flow.time")),
      coefficients(file.numbers("flow.coefficients")), now(powers.size()),
      centre(file.numbers("flow.centre")), half(file.numbers("flow.half"))
{
}

// Takes the coefficients of a time; before and after all that are given, of the first and last one.
inline void Flow::set_time(double time)
{
  const std::size_t later = std::lower_bound(times.begin(), times.end(), time) - times.begin();
  const std::size_t after = std::min(later, times.size() - 1), before = after ? after - 1 : 0;
  const double span = times[after] - times[before];
  const double share = span > 0.0 ? std::clamp((time - times[before]) / span, 0.0, 1.0) : 0.0;
  const double *first = &coefficients[before * now.size()], *second = &coefficients[after * now.size()];
  for (std::size_t k = 0; k < now.size(); ++k) now[k] = (1.0 - share) * first[k] + share * second[k];
}

inline bool Flow::varies_along(int axis) const
{
  for (std::size_t k = axis; k < powers.size(); k += D)
    if (powers[k] > 0.0) return true;
  return false;
}

// sum_k c_k prod_a ((r_a - centre_a) / half_a)^p_ka
inline Vector Flow::operator()(const double *r) const
{
  double u[3] = {0.0, 0.0, 0.0};
  for (std::size_t k = 0; k < powers.size(); k += D) {
    double monomial = 1.0;
    for (int a = 0; a < D; ++a)
      for (int p = 0; p < int(powers[k + a]); ++p) monomial *= (r[a] - centre[a]) / half[a];
    for (int a = 0; a < D; ++a) u[a] += now[k + a] * monomial;
  }
  return {u[0], u[1], u[2]};
}

}    // namespace metriplectic

#endif
