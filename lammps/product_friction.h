// a = f(r, T_i) f(r, T_j): the friction networks of the paper, from tables (networks.py).
#ifndef METRIPLECTIC_PRODUCT_FRICTION_H
#define METRIPLECTIC_PRODUCT_FRICTION_H

#include "friction.h"
#include "network.h"

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

inline ProductFriction::ProductFriction(const PotentialFile &file, double h)
    : factor(file, h), h(h), T0(file.number("friction.temperature")), r_axis(file, "friction.r"),
      T_axis(file, "friction.log_T")
{
  const std::size_t points = std::size_t(r_axis.intervals + 3) * (T_axis.intervals + 3);
  const auto &read = file.numbers("friction.table");
  table.assign(4 * points, 0.0);
  for (std::size_t k = 0; k < points; ++k) std::copy(&read[3 * k], &read[3 * k] + 3, &table[4 * k]);
  const auto &levels = file.numbers("friction.level");
  std::copy(levels.begin(), levels.end(), level);
  for (int k = 0; k < 3; ++k)
    networks[k] = Network(file, "friction.network." + std::to_string(k), Network::Unit::SILU);
}

inline void ProductFriction::look_up(double r, const Fields &i, const Fields &j, Row &row)
{
  const int cell = r_axis.cell(r);
  const Basis<3> in_r(r_axis.fraction(r, cell));
  side(r, in_r, cell, i, row.f_i, row.df_i);
  side(r, in_r, cell, j, row.f_j, row.df_j);
}

// f(r, T) and df/dT at the temperature of one particle
inline void ProductFriction::side(double r, const Basis<3> &in_r, int cell, const Fields &at, double *f,
                           double *df)
{
  if (!T_axis.holds(at.log_T)) {
    ++beyond;
    const double x[2] = {r / h, at.T / T0};
    for (int k = 0; k < 3; ++k) {
      networks[k].evaluate(x, 1, 1);
      f[k] = networks[k].value()[0];
      df[k] = networks[k].first(0)[0] / T0;
    }
    return;
  }
  const int T_cell = T_axis.cell(at.log_T);
  const Basis<3> in_T(T_axis.fraction(at.log_T, T_cell));
  double value[4] = {0.0}, slope[4] = {0.0};
  for (int a = 0; a < 4; ++a) {
    const double *row = &table[4 * (std::size_t(cell + a) * (T_axis.intervals + 3) + T_cell)];
    for (int b = 0; b < 4; ++b)
      for (int k = 0; k < 4; ++k) {
        value[k] += in_r.value[a] * in_T.value[b] * row[4 * b + k];
        slope[k] += in_r.value[a] * in_T.first[b] * row[4 * b + k];
      }
  }
  for (int k = 0; k < 3; ++k) {
    f[k] = value[k];
    df[k] = slope[k] * T_axis.scale / at.T;
  }
}

}    // namespace metriplectic

#endif
