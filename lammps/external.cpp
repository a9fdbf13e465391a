#include "external.h"

#include "network.h"
#include "spline.h"

#include <algorithm>

namespace metriplectic {

namespace {

// sum_walls s_w(d_w) (1 - d_w/reach)^2, d_w the distance from a straight side; beyond it straight on
class Walls : public External {
 public:
  explicit Walls(const PotentialFile &file)
      : axes(file.numbers("external.axes")), low(file.numbers("external.low")),
        high(file.numbers("external.high")), reach(file.number("external.reach")),
        splines(file.numbers("external.coefficients"), 2 * axes.size(), reach)
  {
  }

  Value operator()(const double *r) const override
  {
    double phi = 0.0, gradient[3] = {0.0, 0.0, 0.0};
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const int axis = int(axes[k]) - 1;
      const Side below = side(2 * k, r[axis] - low[k]), above = side(2 * k + 1, high[k] - r[axis]);
      phi += below.value + above.value;
      gradient[axis] += below.slope - above.slope;
    }
    return {phi, {gradient[0], gradient[1], gradient[2]}};
  }

  bool acts_along(int axis) const override
  {
    return std::find(axes.begin(), axes.end(), axis + 1.0) != axes.end();
  }

 private:
  struct Side {
    double value, slope;
  };

  std::vector<double> axes, low, high;
  double reach;
  Splines splines;    // of the lower and the upper end of every axis

  // one wall's potential and its derivative in the distance
  Side side(std::size_t wall, double d) const
  {
    const double near = std::clamp(d, 0.0, reach), left = 1.0 - near / reach;
    const Place at = splines.place(near);
    const double s = splines.value(at, wall);
    const double slope = (splines.slope(at, wall) * left - 2.0 * s / reach) * left;
    return {s * left * left + slope * std::min(d - near, 0.0), slope};
  }
};

// sum_kl c_kl B_k(x) B_l(y), a tensor B-spline over the field of view; straight on outside of it
template <int D> class Field : public External {
 public:
  explicit Field(const PotentialFile &file) : table(file.numbers("external.field"))
  {
    for (int a = 0; a < D; ++a) axes[a] = Axis(file, std::string("external.") + "xyz"[a]);
  }

  Value operator()(const double *r) const override
  {
    Line lines[D];
    for (int a = 0; a < D; ++a) lines[a] = line(axes[a], r[a]);
    double sum[1 + D] = {0.0};    // Phi, then its derivatives
    for (int k = 0; k < POINTS; ++k) {
      double term[1 + D];
      std::fill(term, term + 1 + D, 1.0);
      std::size_t place = 0;
      for (int a = 0, rest = k; a < D; ++a, rest /= 4) {
        const Line &at = lines[a];
        place = place * (axes[a].intervals + 3) + at.cell + rest % 4;
        for (int m = 0; m <= D; ++m) term[m] *= (m == 1 + a ? at.slope : at.value)[rest % 4];
      }
      for (int m = 0; m <= D; ++m) sum[m] += table[place] * term[m];
    }
    return {sum[0], {sum[1], sum[2], D == 3 ? sum[D] : 0.0}};
  }

  bool acts_along(int axis) const override { return axis < D; }

 private:
  static constexpr int POINTS = D == 2 ? 16 : 64;

  // A coordinate with the four splines that are not zero there.
  struct Line {
    int cell;
    double value[4], slope[4];
  };

  Axis axes[D];
  std::vector<double> table;    // [x][y][z]

  static Line line(const Axis &axis, double x)
  {
    const double inside = axis.clamped(x);
    const int cell = axis.cell(inside);
    const Basis<3> basis(axis.fraction(inside, cell));
    Line at = {cell, {}, {}};
    for (int k = 0; k < 4; ++k) {
      at.slope[k] = basis.first[k] * axis.scale;
      at.value[k] = basis.value[k] + at.slope[k] * (x - inside);
    }
    return at;
  }
};

template <int D> class WallsField : public External {
 public:
  explicit WallsField(const PotentialFile &file) : walls(file), field(file) {}

  Value operator()(const double *r) const override
  {
    const Value one = walls(r), other = field(r);
    return {one.phi + other.phi, one.gradient + other.gradient};
  }

  bool acts_along(int axis) const override { return field.acts_along(axis); }

 private:
  Walls walls;
  Field<D> field;
};

template <int D> std::unique_ptr<External> made_in(const PotentialFile &file)
{
  if (file.word("external.kind") == "walls") return std::make_unique<Walls>(file);
  if (file.word("external.kind") == "field") return std::make_unique<Field<D>>(file);
  return std::make_unique<WallsField<D>>(file);
}

}    // namespace

std::unique_ptr<External> External::made(const PotentialFile &file, int dimension)
{
  return dimension == 2 ? made_in<2>(file) : made_in<3>(file);
}

}    // namespace metriplectic
