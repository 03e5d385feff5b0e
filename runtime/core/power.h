#ifndef HORNFELS_POWER_H
#define HORNFELS_POWER_H
#endif
