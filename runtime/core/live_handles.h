/* Which handles are alive. What create() gives out is a number in the place of an address: one that was destroyed, or
 * that never was, is found out by looking it up, and its memory is not touched. A number is not given out again. */
#ifndef HORNFELS_LIVE_HANDLES_H
#define HORNFELS_LIVE_HANDLES_H

namespace hornfels {

/* The number of a new handle; null: no memory, or 65,536 are alive. */
void *add_live_handle(void *handle);

/* The handle of a number; null where none is alive. Any thread may ask at any time; takes no lock. */
void *find_live_handle(const void *number);

/* Ends a number. */
void remove_live_handle(const void *number);

} // namespace hornfels

#endif
