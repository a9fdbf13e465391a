#include "strain.h"

#include <cmath>

namespace metriplectic {

namespace {

bool spans(const Matrix &inverse) { return inverse.at[0][0] + inverse.at[1][1] + inverse.at[2][2] > 0.0; }

// sum_k c_k J^k / k + b/2 (det F - 1)^2 + s/2 sum_j weight |r_ij - F r0_ij|^2, J = e:e/2 of the
// traceless Green strain e = dev (F^T F)/2
class GreenStrain : public Strain {
 public:
  GreenStrain(const PotentialFile &file, int D)
      : D(D), c(file.numbers("strain.c")), bulk(file.number("strain.bulk")),
        zigzag(file.number("strain.zigzag"))
  {
  }

  void add(const ReferenceBond &bond, Vector r_ij, Neighbourhood &sum) override
  {
    const double r[3] = {r_ij.x, r_ij.y, r_ij.z}, r0[3] = {bond.r0.x, bond.r0.y, bond.r0.z};
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) sum.moment.at[a][b] += bond.weight * r[a] * r0[b];
    sum.square += bond.weight * dot(r_ij, r_ij);
  }

  Elasticity energy(const Neighbourhood &around, const Matrix &inverse, double) override
  {
    if (!spans(inverse)) return {0.0, 0.0, 0.0, Matrix()};
    const Matrix F = product(around.moment, inverse), across = cofactor(F, D);
    const Matrix strain = deviator(scaled(0.5, product(transposed(F), F)), D);
    const double J = 0.5 * contraction(strain, strain);
    double U = 0.0, slope = 0.0, power = 1.0;
    for (std::size_t k = 0; k < c.size(); ++k, power *= J) {
      slope += c[k] * power;
      U += c[k] * power * J / double(k + 1);
    }
    double growth = -1.0;
    for (int a = 0; a < D; ++a) growth += F.at[a][0] * across.at[a][0];
    U += 0.5 * bulk * growth * growth + 0.5 * zigzag * (around.square - contraction(F, around.moment));
    const Matrix dUdF = sum(scaled(slope, product(F, strain)), scaled(bulk * growth, across));
    return {U, 0.0, 0.0, sum(product(dUdF, inverse), scaled(-zigzag, F))};
  }

  Vector force(const ReferenceBond &bond, Vector r_ij, const Matrix &stress_i, const Matrix &stress_j) override
  {
    return -bond.weight * (times(sum(stress_i, stress_j), bond.r0) + zigzag * bond.spans * r_ij);
  }

 private:
  int D;
  std::vector<double> c;
  double bulk, zigzag;
};

// U_dev = network(S, invariants of eps), eps = dev sum_j sym(l_ij), l = MLP(u, r0) - MLP(0, r0)
class PaperStrain : public Strain {
 public:
  PaperStrain(const PotentialFile &file, double h, int D)
      : D(D), h(h), bonds(file, "strain.bond", Network::Unit::SILU),
        law(file, "strain.energy", Network::Unit::SOFTPLUS)
  {
  }

  void add(const ReferenceBond &bond, Vector r_ij, Neighbourhood &total) override
  {
    total.moment = sum(total.moment, evaluate(bond.r0, r_ij, 0));
    total.moment = sum(total.moment, scaled(-1.0, evaluate(bond.r0, bond.r0, 0)));
  }

  Elasticity energy(const Neighbourhood &total, const Matrix &, double S) override
  {
    const Matrix e = deviator(total.moment, D), square = product(e, e);
    // det e = tr e^3 / 3 where tr e = 0
    const double x[3] = {S, 0.5 * contraction(e, e), contraction(square, e) / 3.0};
    law.evaluate(x, 0, D);
    Matrix stress = scaled(law.first(1)[0], e);
    if (D == 3) stress = sum(stress, scaled(law.first(2)[0], square));
    return {law.value()[0], law.first(0)[0], law.second()[0], deviator(stress, D)};
  }

  Vector force(const ReferenceBond &bond, Vector r_ij, const Matrix &stress_i, const Matrix &stress_j) override
  {
    const Vector i = gradient(bond.r0, r_ij, stress_i);
    const Vector j = gradient(-1.0 * bond.r0, -1.0 * r_ij, stress_j);
    return j - i;
  }

 private:
  int D;
  double h;
  Network bonds, law;

  // sym(MLP(u/h, r0/h)) for direction 0, else its derivative in component direction - 1 of u/h
  Matrix evaluate(Vector r0, Vector r_ij, int direction)
  {
    const double u[3] = {r_ij.x - r0.x, r_ij.y - r0.y, r_ij.z - r0.z}, r[3] = {r0.x, r0.y, r0.z};
    double x[6];
    for (int a = 0; a < D; ++a) x[a] = u[a] / h, x[D + a] = r[a] / h;
    if (direction <= 1) bonds.evaluate(x, 0, direction == 0 ? 0 : D);
    const double *l = direction == 0 ? bonds.value() : bonds.first(direction - 1);
    Matrix out;
    for (int a = 0; a < D; ++a)
      for (int b = 0; b < D; ++b) out.at[a][b] = 0.5 * (l[a * D + b] + l[b * D + a]);
    return out;
  }

  // stress : d sym(l) / du
  Vector gradient(Vector r0, Vector r_ij, const Matrix &stress)
  {
    double g[3] = {0.0, 0.0, 0.0};
    for (int a = 0; a < D; ++a) g[a] = contraction(stress, evaluate(r0, r_ij, a + 1)) / h;
    return {g[0], g[1], g[2]};
  }
};

}    // namespace

std::unique_ptr<Strain> Strain::made(const PotentialFile &file, double h, int D)
{
  if (file.word("strain.kind") == "green") return std::make_unique<GreenStrain>(file, D);
  return std::make_unique<PaperStrain>(file, h, D);
}

Solid::Solid(const PotentialFile &file, int D)
{
  const auto &weight = file.numbers("solid.weight");
  const auto &ends = file.numbers("solid.bonds");
  const auto &r0 = file.numbers("solid.r0");
  const auto &inverse = file.numbers("solid.inverse");
  const std::size_t count = inverse.size() / (D * D);
  by_tag.resize(count + 1);
  inverses.resize(count + 1);
  for (std::size_t n = 0; n < count; ++n)
    for (int a = 0; a < D; ++a)
      for (int b = 0; b < D; ++b) inverses[n + 1].at[a][b] = inverse[(n * D + a) * D + b];
  for (std::size_t k = 0; k < weight.size(); ++k) {
    const int i = int(ends[2 * k]), j = int(ends[2 * k + 1]);
    const Vector r = {r0[D * k], r0[D * k + 1], D == 3 ? r0[D * k + 2] : 0.0};
    const int both = spans(inverses.at(i)) + spans(inverses.at(j));
    by_tag.at(i).push_back({j, true, weight[k], r, both});
    by_tag.at(j).push_back({i, false, weight[k], -1.0 * r, both});
  }
}

const std::vector<ReferenceBond> &Solid::bonds(int tag) const { return by_tag.at(tag); }

const Matrix &Solid::inverse(int tag) const { return inverses.at(tag); }

}    // namespace metriplectic
