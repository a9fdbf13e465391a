// What Python calls (pipeline/dynamics/compiled.py); no exception leaves it.
#include "engine.h"

#include <cstring>
#include <stdexcept>

using namespace metriplectic;

extern "C" {

// The engine of a potential file, or null and a sentence in `message`.
Engine *engine_new(const char *text, char *message, std::size_t size)
{
  try {
    return new Engine(PotentialFile(text, "The model"));
  } catch (const std::exception &problem) {
    std::strncpy(message, problem.what(), size - 1);
    return nullptr;
  }
}

void engine_free(Engine *engine) { delete engine; }

void engine_settle(Engine *engine, const double *sides, double slide, double skin)
{
  engine->settle(sides, slide, skin);
}

// 0, or 1 where two particles sit on each other, or 2 where memory does not suffice.
int engine_evaluate(Engine *engine, const Particles *given, std::size_t n, double time, double dt, double *V,
                    double *T, double *energy)
{
  try {
    if (!engine->evaluate(*given, n, time, dt, V, T)) return 1;
    *energy = engine->internal_energy;
    return 0;
  } catch (const std::bad_alloc &) {
    return 2;
  }
}

void engine_together(const Engine *engine, int *rows) { std::memcpy(rows, engine->together, 2 * sizeof(int)); }

void engine_act(Engine *engine, std::uint64_t seed, std::uint64_t step, double *rate, double *half_kick)
{
  *half_kick = engine->act({seed, step}, rate);
}

void engine_step(Engine *engine, double *r, double *v, double *S, const Leading *leading, Given *given)
{
  *given = engine->step(r, v, S, *leading);
}

std::size_t engine_bytes(const Engine *engine) { return engine->bytes(); }
}
