// The step after its forces are known: v' = v + dv, heat at the mean of the velocities before and after,
// r' = r + v' dt, S' = S + dS, driven particles as they are led, and what all this took from outside
// (pipeline/dynamics/integrators.py, driven.py, accounts.py).
#include "engine.h"

#include <algorithm>
#include <cmath>

namespace metriplectic {

Given Engine::step(double *to_r, double *to_v, double *to_S, const Leading &leading)
{
  Given account;
  kick();
  led = after;
  for (std::size_t d = 0; d < leading.count; ++d) led[rank[leading.rows[d]]] = vector(leading.v, int(d));
  warm(account);
  if (bath) meet_bath(account);
  account.impulse = account.impulse + constants.dt * walls;
  move(to_r, to_v, to_S);
  lead(to_r, to_v, to_S, leading, account);
  return account;
}

// Velocities after the step of particles left alone, and what a bath gives.
void Engine::kick()
{
  const double root_dt = std::sqrt(constants.dt), per_m = 1.0 / constants.m;
  after.resize(n), exchanges.resize(bath ? n : 0);
  for (std::size_t k = 0; k < n; ++k) {
    Vector K = constants.dt * kicks[k].conserved + kicks[k].impulse;
    const Fields &at = fields[k];
    if (bath) {
      // The noise of the bath is that of a pair with the particle 0, which nobody is.
      const Normals noise = pair_normals(key, 0, tag[k]);
      const double *g = noise.n;
      const Vector dW = {root_dt * g[0], root_dt * g[1], root_dt * constants.z_motion * g[2]};
      exchanges[k] = exchanged((*bath)(at.V, at.T), bath->temperature(), at.v, stream(k), K, side(at), dW,
                               root_dt * g[3], constants);
      K = K + exchanges[k].impulse;
      kicks[k].heat += exchanges[k].heat;
    }
    after[k] = at.v + per_m * K;
  }
}

// Velocity of the medium around a particle.
Vector Engine::stream(std::size_t k) const
{
  return given.flow ? vector(given.flow, neighbours.order[k]) : Vector{0.0, 0.0, 0.0};
}

// The half of the heats that depends on velocities after the step, and the entropies that follow.
void Engine::warm(Given &account)
{
  double slid = constants.dt * sliding;
  for (std::size_t k = 0; k < pairs.count; ++k) {
    const int i = pairs.i[k], j = pairs.j[k];
    const Vector p = {pairs.x[k], pairs.y[k], pairs.z[k]}, boost = {box.slide * pairs.above[k], 0.0, 0.0};
    const double dissipated = -0.25 * dot(p, led[i] - led[j] - boost);
    kicks[i].heat += dissipated;
    kicks[j].heat += dissipated;
    slid += dot(p, boost);
  }
  account.work += slid;
  gained.resize(n);
  for (std::size_t k = 0; k < n; ++k) gained[k] = warmed(kicks[k].heat, fields[k]);
}

// J . u of the bath's work is done by whatever keeps the medium flowing, the rest comes from its heat.
void Engine::meet_bath(Given &account) const
{
  for (std::size_t k = 0; k < n; ++k) {
    const auto [J, heat] = exchanges[k];
    const double kinetic = 0.5 * dot(J, fields[k].v + led[k]), flowing = dot(J, stream(k));
    account.work += kinetic + heat;
    account.impulse = account.impulse + J;
    account.bath_heat += kinetic - flowing + heat;
    account.bath_work += flowing;
    account.bath_impulse = account.bath_impulse + J;
  }
}

void Engine::move(double *to_r, double *to_v, double *to_S)
{
  for (std::size_t k = 0; k < n; ++k) {
    const int row = neighbours.order[k];
    const double v[3] = {after[k].x, after[k].y, after[k].z};
    for (int a = 0; a < D; ++a) {
      to_v[D * row + a] = v[a];
      to_r[D * row + a] = given.r[D * row + a] + v[a] * constants.dt;
    }
    to_S[row] = S[k] + gained[k];
  }
}

// Driven particles: impulse J = m (v' - v'_free), its work J . (v + v') / 2, work against the conservative
// force where the way is not v' dt, and the heat that holds their temperature.
void Engine::lead(double *to_r, double *to_v, double *to_S, const Leading &leading, Given &account) const
{
  constexpr double ROUND_OFF = 1e-9;
  double against = 0.0, farthest = 0.0;
  for (std::size_t d = 0; d < leading.count; ++d) {
    const std::int64_t row = leading.rows[d];
    const int k = rank[row];
    const Fields &at = fields[k];
    const Vector way = vector(leading.r, int(d)) - vector(given.r, int(row));
    const Vector J = constants.m * (led[k] - after[k]), beyond = way - constants.dt * led[k];
    const double held = held_entropy(leading.temperature, at, constants.dt), left = gained[k];
    account.impulse = account.impulse + J;
    account.work += 0.5 * dot(J, at.v + led[k]) + heat_of(held, at) - heat_of(left, at);
    against += dot(kicks[k].conserved, beyond);
    farthest = std::max({farthest, std::fabs(beyond.x), std::fabs(beyond.y), std::fabs(beyond.z)});
    std::copy_n(leading.r + D * d, D, to_r + D * row);
    std::copy_n(leading.v + D * d, D, to_v + D * row);
    to_S[row] = S[k] + held;
  }
  if (farthest > ROUND_OFF) account.work -= against;
}

std::size_t Engine::bytes() const
{
  const std::size_t of_particle = sizeof(Vector) * 3 + sizeof(Fields) + sizeof(Kick) + 4 * sizeof(double) + 8;
  return r.capacity() * of_particle + exchanges.capacity() * sizeof(Exchange) +
      pairs.i.capacity() * (2 * sizeof(int) + 5 * sizeof(double)) + neighbours.bytes();
}

}    // namespace metriplectic
