# Innermost loops with multiply-adds in a disassembly (objdump -d --no-show-raw-insn): a line for each,
#   FUNCTION VECTOR SCALAR STACK
# how many multiply-adds of vectors and of scalars it has, and how many of its instructions touch the stack.
# Variables: vector, scalar, stack: regular expressions.
function close_function(    i, j, inner) {
  for (i = 1; i <= count; ++i) {
    if (!(i in jump) || !(jump[i] in at) || at[jump[i]] > i)
      continue;
    inner = 1;
    v = s = m = 0;
    for (j = at[jump[i]]; j <= i; ++j) {
      if (j < i && (j in jump) && (jump[j] in at) && at[jump[j]] <= j)
        inner = 0;
      v += text[j] ~ vector;
      s += text[j] ~ scalar;
      m += text[j] ~ stack;
    }
    if (inner && v + s > 0)
      print name, v, s, m;
  }
  delete at;
  delete jump;
  delete text;
  count = 0;
}
/^[0-9a-f]+ <.*>:$/ {
  close_function();
  name = substr($2, 2, length($2) - 3);
}
/^ *[0-9a-f]+:\t/ {
  split($0, parts, ":");
  gsub(/ /, "", parts[1]);
  ++count;
  at[parts[1]] = count;
  text[count] = $0;
  # A jump names its target: "b.ne 1f4 <...>", "jne 1f4 <...>".
  if ($2 ~ /^(b|b\..*|cbn?z|tbn?z|j[a-z]+)$/ && match($0, /[0-9a-f]+ </))
    jump[count] = substr($0, RSTART, RLENGTH - 2);
}
END { close_function(); }
