#include "engine.h"

#include <algorithm>
#include <cmath>

namespace metriplectic {

Engine::Engine(const PotentialFile &file)
    : D(int(file.number("dimension"))), h(file.number("cutoff")), gate(file.number("gate")), volume(file, h),
      energy(file)
{
  const double k_B = file.number("k_B");
  constants = {k_B, file.number("mass"), 1.0 / D, 1.0, std::sqrt(2.0 * k_B), 0.0, D == 3 ? 1.0 : 0.0};
  if (file.word("friction.kind") == "none") friction = NoFriction();
  else friction = SeparableFriction(file, h);
  if (file.has("bath.kind")) bath.emplace(file, D);
  if (file.has("external.kind")) external = External::made(file, D);
  if (file.has("pair_energy.kind")) pair_energy.emplace(file, h);
  if (file.has("strain.kind")) {
    strain = Strain::made(file, h, D);
    solid = std::make_unique<Solid>(file, D);
  }
}

void Engine::settle(const double *sides, double slide, double skin)
{
  box = Box(D, sides, slide);
  neighbours = Neighbours(h, skin);
}

bool Engine::evaluate(const Particles &now, std::size_t count, double time, double dt, double *V, double *T)
{
  given = now;
  constants.dt = dt;
  constants.limit = gate / dt;
  if (bath && bath->brownian()) constants.m = dt;
  box.set_time(time);
  neighbours.follow(given.r, count, box);
  take(count);
  find_pairs();
  if (!weigh_all()) return false;
  internal_energy = 0.0;
  if (solid) add_elastic_energy();
  set_fields();
  if (pair_energy) add_pair_energy();
  for (std::size_t k = 0; k < n; ++k) {
    V[neighbours.order[k]] = fields[k].V;
    T[neighbours.order[k]] = fields[k].T;
    if (external) internal_energy += (*external)(&r[k].x).phi;
  }
  return true;
}

// Particles in the order of their cells.
void Engine::take(std::size_t count)
{
  n = count;
  r.resize(n), S.resize(n), strength.resize(n), tag.resize(n), fields.resize(n), rank.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    const int row = neighbours.order[k];
    rank[row] = int(k);
    r[k] = vector(given.r, row);
    fields[k].v = vector(given.v, row);
    S[k] = given.S[row];
    strength[k] = given.strength ? given.strength[row] : 1.0;
    tag[k] = given.tag[row];
  }
}

// The pairs within the cutoff.
void Engine::find_pairs()
{
  const std::size_t candidates = neighbours.i.size();
  const int *i = neighbours.i.data(), *j = neighbours.j.data();
  const double h2 = h * h;
  pairs.count = 0;
  for (auto *a : {&pairs.i, &pairs.j}) a->resize(candidates + 1);
  for (auto *a : {&pairs.x, &pairs.y, &pairs.z, &pairs.dwdr, &pairs.above}) a->resize(candidates + 1);
  for (std::size_t first = 0; first < candidates; first += BLOCK) {
    const int m = int(std::min(BLOCK, candidates - first));
    double x[BLOCK], y[BLOCK], z[BLOCK], r2[BLOCK], above[BLOCK];
#pragma GCC ivdep
    for (int k = 0; k < m; ++k) {
      const Vector d = box.nearest(r[i[first + k]] - r[j[first + k]], above[k]);
      x[k] = d.x, y[k] = d.y, z[k] = d.z, r2[k] = dot(d, d);
    }
    for (int k = 0; k < m; ++k) {
      const std::size_t to = pairs.count;
      pairs.i[to] = i[first + k], pairs.j[to] = j[first + k];
      pairs.x[to] = x[k], pairs.y[to] = y[k], pairs.z[to] = z[k];
      pairs.dwdr[to] = r2[k], pairs.above[to] = above[k];
      pairs.count += r2[k] < h2;    // the next one overwrites a pair beyond the cutoff
    }
  }
}

// d_i = w(0) + sum_j s_i s_j w(r_ij), and r^2 of the pairs becomes s_i s_j w'(r). False where two particles are
// in one place.
bool Engine::weigh_all()
{
  density.assign(n, volume.self_weight);
  for (std::size_t first = 0; first < pairs.count; first += BLOCK) {
    const int m = int(std::min(BLOCK, pairs.count - first));
    const int *i = pairs.i.data() + first, *j = pairs.j.data() + first;
    double s[BLOCK], w[BLOCK];
    for (int k = 0; k < m; ++k) s[k] = strength[i[k]] * strength[j[k]];
    if (!(weigh(volume, m, s, pairs.dwdr.data() + first, w) > 0.0)) {
      for (int k = 0; k < m; ++k)
        if (pairs.x[first + k] == 0.0 && pairs.y[first + k] == 0.0 && pairs.z[first + k] == 0.0)
          together[0] = neighbours.order[i[k]], together[1] = neighbours.order[j[k]];
      return false;
    }
    for (int k = 0; k < m; ++k) {
      density[i[k]] += w[k];
      density[j[k]] += w[k];
    }
  }
  return true;
}

void Engine::set_fields()
{
  const auto log_T = [this](double T) {
    return std::visit([T](const auto &closure) { return closure.log_T(T); }, friction);
  };
  for (std::size_t k = 0; k < n; ++k) {
    const double V = 1.0 / density[k];
    Caloric at = energy(S[k], V);
    if (solid) at.U += elastic[k].U, at.T += elastic[k].T, at.dTdS += elastic[k].dTdS;
    fields[k] = {fields[k].v, at.T, V, at.P * V * V, at.dTdS, log_T(at.T)};
    internal_energy += at.U;
  }
}

void Engine::add_pair_energy()
{
  for (std::size_t k = 0; k < pairs.count; ++k) {
    const double x = pairs.x[k], y = pairs.y[k], z = pairs.z[k];
    const double s = strength[pairs.i[k]] * strength[pairs.j[k]];
    internal_energy += s * (*pair_energy)(std::sqrt(x * x + y * y + z * z)).psi;
  }
}

void Engine::add_elastic_energy()
{
  elastic.resize(n);
  double above;
  for (std::size_t k = 0; k < n; ++k) {
    Neighbourhood sum;
    for (const ReferenceBond &bond : solid->bonds(tag[k]))
      strain->add(bond, box.nearest(r[k] - r[rank[bond.other - 1]], above), sum);
    elastic[k] = strain->energy(sum, solid->inverse(tag[k]), S[k]);
  }
}

void Engine::add_elastic_forces()
{
  double above;
  for (std::size_t k = 0; k < n; ++k)
    for (const ReferenceBond &bond : solid->bonds(tag[k])) {
      if (!bond.first) continue;
      const int other = rank[bond.other - 1];
      const Vector r_ij = box.nearest(r[k] - r[other], above);
      const Vector f = strain->force(bond, r_ij, elastic[k].stress, elastic[other].stress);
      kicks[k].conserved = kicks[k].conserved + f;
      kicks[other].conserved = kicks[other].conserved - f;
    }
}

double Engine::act(NoiseKey noise, double *rate)
{
  key = noise;
  kicks.assign(n, {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, 0.0, 0.0});
  sliding = 0.0;
  walls = {0.0, 0.0, 0.0};
  std::visit(
      [&](auto &closure) {
        for (std::size_t first = 0; first < pairs.count; first += BLOCK)
          act_on_block(closure, first, int(std::min(BLOCK, pairs.count - first)));
      },
      friction);
  if (solid) add_elastic_forces();
  double power = -sliding;
  for (std::size_t k = 0; k < n; ++k) {
    const int row = neighbours.order[k];
    Kick &kick = kicks[k];
    rate[row] = kick.drag * constants.inverse_D / fields[k].T;
    if (external) {
      const Vector force = -1.0 * (*external)(&r[k].x).gradient;
      kick.conserved = kick.conserved + force;
      walls = walls + force;
    }
    power += dot(kick.conserved, fields[k].v);
    if (given.push) kick.conserved = kick.conserved + vector(given.push, row);
  }
  return 0.5 * constants.dt * power;
}

template <class Friction>
void Engine::act_on_block(Friction &closure, std::size_t begin, int m)
{
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  double *x = pairs.x.data() + begin, *y = pairs.y.data() + begin, *z = pairs.z.data() + begin;
  const double *above = pairs.above.data() + begin;
  PairBlock<Friction> block;
  block.n = m;
  std::copy_n(x, m, block.x), std::copy_n(y, m, block.y), std::copy_n(z, m, block.z);
  for (int k = 0; k < m; ++k) block.r[k] = std::sqrt(x[k] * x[k] + y[k] * y[k] + z[k] * z[k]);
  for (int k = 0; k < m; ++k) {
    block.i[k] = fields[i[k]], block.j[k] = fields[j[k]];
    block.j[k].v.x += box.slide * above[k];
    block.tag_i[k] = tag[i[k]], block.tag_j[k] = tag[j[k]];
  }
  block.act(closure, key, constants);
  add_pressures(begin, m, block.r);
  for (int k = 0; k < m; ++k) {
    Kick &to_i = kicks[i[k]], &to_j = kicks[j[k]];
    const Vector p = {block.px[k], block.py[k], block.pz[k]};
    to_i.impulse = to_i.impulse + p, to_j.impulse = to_j.impulse - p;
    to_i.heat += block.to_i[k], to_j.heat += block.to_j[k];
    to_i.drag += block.drag[k], to_j.drag += block.drag[k];
  }
  std::copy_n(block.px, m, x), std::copy_n(block.py, m, y), std::copy_n(block.pz, m, z);
}

// Without friction there is no noise and no heat: pressures and psi alone.
void Engine::act_on_block(NoFriction &, std::size_t begin, int m)
{
  double *x = pairs.x.data() + begin, *y = pairs.y.data() + begin, *z = pairs.z.data() + begin, r[BLOCK];
  for (int k = 0; k < m; ++k) r[k] = std::sqrt(x[k] * x[k] + y[k] * y[k] + z[k] * z[k]);
  add_pressures(begin, m, r);
  for (auto *p : {x, y, z}) std::fill_n(p, m, 0.0);
}

// Conservative forces of a block at distances r, and their power on images that slide.
void Engine::add_pressures(std::size_t begin, int m, const double *r)
{
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  const double *x = pairs.x.data() + begin, *y = pairs.y.data() + begin, *z = pairs.z.data() + begin;
  const double *dwdr = pairs.dwdr.data() + begin, *above = pairs.above.data() + begin;
  double slope[BLOCK] = {0.0};
  if (pair_energy)
#pragma GCC ivdep
    for (int k = 0; k < m; ++k) slope[k] = strength[i[k]] * strength[j[k]] * (*pair_energy)(r[k]).dpsidr;
  for (int k = 0; k < m; ++k) {
    const double along = pressure_force(fields[i[k]].pressure, fields[j[k]].pressure, dwdr[k]) - slope[k];
    const Vector f = (along / r[k]) * Vector{x[k], y[k], z[k]};
    kicks[i[k]].conserved = kicks[i[k]].conserved + f;
    kicks[j[k]].conserved = kicks[j[k]].conserved - f;
    sliding += f.x * box.slide * above[k];
  }
}

}    // namespace metriplectic
