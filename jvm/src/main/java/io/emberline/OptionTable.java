// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static io.emberline.EmberlineNative.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The engine's own table of options, which every door reads: names, types, and which are fixed when a model loads. */
public final class OptionTable {
  /** One option as emberline.h describes it. */
  public static final class Option {
    public final String name;
    public final String type;
    public final String defaultValue;
    public final String choices;
    public final String help;
    public final boolean loadTime;

    Option(byte[][] fields, int first) {
      name = text(fields[first]);
      type = text(fields[first + 1]);
      defaultValue = text(fields[first + 2]);
      choices = text(fields[first + 3]);
      help = text(fields[first + 4]);
      loadTime = text(fields[first + 5]).equals("load");
    }
  }

  private static final int FIELDS = 6;

  private OptionTable() {}

  private static volatile Map<String, Option> table;

  private static Map<String, Option> read() {
    NativeLoader.load();
    byte[][] fields = EmberlineNative.options();
    Map<String, Option> options = new LinkedHashMap<>();
    for (int i = 0; i < fields.length; i += FIELDS) {
      Option option = new Option(fields, i);
      options.put(option.name, option);
    }
    return Collections.unmodifiableMap(options);
  }

  /** By name, in the table's order. */
  public static Map<String, Option> options() {
    Map<String, Option> known = table;
    if (known == null) {
      known = read();
      table = known;
    }
    return known;
  }

  /** Throws {@link EmberlineException} with the engine's message: unknown name (and the nearest), wrong type, range. */
  public static void check(String name, String value) {
    NativeLoader.load();
    EmberlineNative.checkOptions(EmberlineNative.namesAndValues(Collections.singletonMap(name, value)));
  }
}
