// a = f(r, T_i) f(r, T_j): the friction networks of the paper, from tables (networks.py).
#ifndef METRIPLECTIC_PRODUCT_FRICTION_H
#define METRIPLECTIC_PRODUCT_FRICTION_H

#include "friction.h"
#include "network.h"
#include "sheet.h"

namespace metriplectic {

class ProductFriction {
 public:
  // f of a, b, c at the two temperatures, and its derivatives in them
  struct Row {
    double f_i[3], f_j[3], df_i[3], df_j[3], unused[4];
  };

  ProductFriction() = default;
  ProductFriction(const PotentialFile &file, double h);

  void look_up(double r, const Fields &i, const Fields &j, Row &row);

  METRIPLECTIC_INLINE Amplitudes operator()(double r, const Row &row, const Side &i,
                                            const Side &j) const
  {
    const double scale = factor(r, i, j);
    return {term(row, 0, scale), term(row, 1, scale), term(row, 2, scale)};
  }

  double log_T(double T) const { return std::log(T / T0); }
  long long outside() const { return beyond; }

 private:
  RangeFactor factor;
  double h = 1.0, T0 = 1.0, level[3] = {1.0, 1.0, 1.0};
  Axis r_axis, T_axis;
  std::vector<double> table;    // [r][ln T][a, b, c, nothing]
  Network networks[3];
  long long beyond = 0;    // evaluations outside the table

  void side(double r, const Basis<3> &in_r, int cell, const Fields &at, double *f, double *df);

  // a^2 = level f_i^2 f_j^2 scale
  METRIPLECTIC_INLINE Jet term(const Row &row, int k, double scale) const
  {
    const double a = row.f_i[k] * row.f_j[k], twice = 2.0 * a * level[k] * scale;
    return {a * a * level[k] * scale, twice * row.df_i[k] * row.f_j[k],
            twice * row.f_i[k] * row.df_j[k]};
  }
};

}    // namespace metriplectic

#endif
