/*
 * Copyright (c) 2026 The Open vSwitch VMQ developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Writes the documentation of all settings, from the table in vmq-config.c.
 *
 * usage: vmq-docs [--xml | --rst]
 *
 * --xml, the default: the <column> elements of vswitchd/vswitch.xml.
 * --rst: the table of settings in README.rst. */

#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmq-config.h"

#define LINE_WIDTH 79
#define XML_INDENT 10

/* Words that are keys of a column in the database. */
struct reference {
    const char *word;
    const char *xml;
};

static const struct reference references[] = {
    { "other_config:pmd-vmq",
      "<ref table=\"Interface\" column=\"other_config\" key=\"pmd-vmq\"/>" },
    { "pmd-auto-lb", "<ref column=\"other_config\" key=\"pmd-auto-lb\"/>" },
    { "pmd-cpu-mask", "<ref column=\"other_config\" key=\"pmd-cpu-mask\"/>" },
    { "pmd-rxq-affinity",
      "<ref table=\"Interface\" column=\"other_config\" "
      "key=\"pmd-rxq-affinity\"/>" },
    { "true", "<code>true</code>" },
    { "false", "<code>false</code>" },
};

/* Writes a word of 'n' bytes, 's', as XML into 'buf'. */
static void
xml_word(const char *s, size_t n, char *buf, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        const struct reference *r = &references[i];

        if (strlen(r->word) == n && !memcmp(s, r->word, n)) {
            snprintf(buf, size, "%s", r->xml);
            return;
        }
    }
    for (size_t i = 0; i < vmq_n_settings; i++) {
        const char *key = vmq_settings[i].key;

        if (strlen(key) == n && !memcmp(s, key, n)) {
            snprintf(buf, size, "<ref column=\"other_config\" key=\"%s\"/>",
                     key);
            return;
        }
    }
    buf[0] = '\0';
    for (size_t i = 0; i < n && length + 8 < size; i++) {
        const char *entity = (s[i] == '&' ? "&amp;"
                              : s[i] == '<' ? "&lt;"
                              : s[i] == '>' ? "&gt;"
                              : NULL);

        length += (entity
                   ? snprintf(buf + length, size - length, "%s", entity)
                   : snprintf(buf + length, size - length, "%c", s[i]));
    }
}

/* Writes the paragraph from 's' to 'end', wrapped. */
static void
xml_paragraph(const char *s, const char *end)
{
    int column = 0;

    puts("        <p>");
    while (s < end) {
        size_t n = strcspn(s, " \n");
        size_t spaces = strspn(s + n, " ");
        char word[256];
        size_t core = n;

        /* Punctuation after a key is not a part of it. */
        while (core && strchr(".,:;", s[core - 1])) {
            core--;
        }
        xml_word(s, core, word, sizeof word);

        int width = strlen(word) + (n - core);
        int gap = column ? (s[-1] == ' ' && s[-2] == ' ' ? 2 : 1) : XML_INDENT;

        if (column && column + gap + width > LINE_WIDTH) {
            putchar('\n');
            column = 0;
            gap = XML_INDENT;
        }
        printf("%*s%s%.*s", gap, "", word, (int) (n - core), s + core);
        column += gap + width;
        s += n + spaces;
    }
    puts("\n        </p>");
}

static void
xml_setting(const struct vmq_setting *setting)
{
    printf("      <column name=\"other_config\" key=\"%s\"\n", setting->key);
    if (setting->type == VMQ_SETTING_BOOL) {
        puts("              type='{\"type\": \"boolean\"}'>");
    } else {
        printf("              type='{\"type\": \"integer\",\n"
               "                     "
               "\"minInteger\": %lu, \"maxInteger\": %lu}'>\n",
               (unsigned long int) setting->min,
               (unsigned long int) setting->max);
    }

    for (const char *s = setting->help; s; ) {
        const char *end = strstr(s, "\n\n");

        xml_paragraph(s, end ? end : strchr(s, '\0'));
        s = end ? end + 2 : NULL;
    }

    puts("        <p>");
    if (setting->type == VMQ_SETTING_BOOL) {
        printf("          The default value is <code>%s</code>.\n",
               setting->def ? "true" : "false");
    } else {
        printf("          The default value is <code>%lu</code>%s%s.\n",
               (unsigned long int) setting->def,
               setting->unit[0] ? " " : "", setting->unit);
    }
    puts("        </p>\n"
         "      </column>");
}

static void
rst_setting(const struct vmq_setting *setting)
{
    if (setting->type == VMQ_SETTING_BOOL) {
        printf("   * - ``%s``\n"
               "     - true, false\n"
               "     - %s\n"
               "     - %s\n",
               setting->key, setting->def ? "true" : "false",
               setting->summary);
    } else {
        printf("   * - ``%s``\n"
               "     - %lu..%lu%s%s\n"
               "     - %lu\n"
               "     - %s\n",
               setting->key, (unsigned long int) setting->min,
               (unsigned long int) setting->max,
               setting->unit[0] ? " " : "", setting->unit,
               (unsigned long int) setting->def, setting->summary);
    }
}

int
main(int argc, char *argv[])
{
    bool rst = argc == 2 && !strcmp(argv[1], "--rst");

    if (argc > 2 || (argc == 2 && !rst && strcmp(argv[1], "--xml"))) {
        fprintf(stderr, "usage: %s [--xml | --rst]\n", argv[0]);
        return EXIT_FAILURE;
    }

    if (rst) {
        puts(".. list-table::\n"
             "   :header-rows: 1\n"
             "\n"
             "   * - Key\n"
             "     - Range\n"
             "     - Default\n"
             "     - Meaning");
    }
    for (size_t i = 0; i < vmq_n_settings; i++) {
        if (rst) {
            rst_setting(&vmq_settings[i]);
        } else {
            xml_setting(&vmq_settings[i]);
        }
    }
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
