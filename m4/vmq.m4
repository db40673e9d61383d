# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

dnl VMQ_CHECK_COMPILER
dnl
dnl Our files use what Open vSwitch's do: C99 with GNU extensions, anonymous
dnl structs and _Static_assert.
AC_DEFUN([VMQ_CHECK_COMPILER],
  [AC_CACHE_CHECK([whether $CC supports what Open vSwitch needs],
     [vmq_cv_gnu_c11],
     [AC_COMPILE_IFELSE(
        [AC_LANG_PROGRAM(
           [[struct a { union { int b; long c; }; };
             _Static_assert(sizeof(long long) == 8, "LP64 or ILP32");]],
           [[struct a a = { .b = 1 };
             return __builtin_popcountll(({ __typeof__(a.b) d = a.b; d; }));]]
         )],
        [vmq_cv_gnu_c11=yes],
        [vmq_cv_gnu_c11=no])])
   AS_IF([test "$vmq_cv_gnu_c11" = no],
     [AC_MSG_ERROR([a C11 compiler with GNU extensions is needed])])
   WARNING_FLAGS="-Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes"
   WARNING_FLAGS="$WARNING_FLAGS -Wpointer-arith -Wformat -Wformat-security"
   WARNING_FLAGS="$WARNING_FLAGS -Wshadow -Wvla -Wno-sign-compare"
   AC_SUBST([WARNING_FLAGS])])

dnl VMQ_ENABLE_WERROR
AC_DEFUN([VMQ_ENABLE_WERROR],
  [AC_ARG_ENABLE([Werror],
     [AS_HELP_STRING([--enable-Werror], [treat warnings as errors])],
     [], [enable_Werror=no])
   AS_IF([test "X$enable_Werror" != Xno],
     [WARNING_FLAGS="$WARNING_FLAGS -Werror"])])

dnl VMQ_ENABLE_SANITIZERS
AC_DEFUN([VMQ_ENABLE_SANITIZERS],
  [AC_ARG_ENABLE([sanitizers],
     [AS_HELP_STRING([--enable-sanitizers],
        [build the pure library and its tests with ASan and UBSan])],
     [], [enable_sanitizers=no])
   SANITIZER_FLAGS=
   AS_IF([test "X$enable_sanitizers" != Xno],
     [SANITIZER_FLAGS="-fsanitize=address,undefined"
      SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-sanitize-recover=undefined"
      SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-omit-frame-pointer"])
   AC_SUBST([SANITIZER_FLAGS])
   AM_CONDITIONAL([SANITIZERS], [test -n "$SANITIZER_FLAGS"])])

dnl VMQ_WITH_OVS_SOURCE
dnl
dnl Whether it is there, and the right version, is checked by
dnl build-aux/ovs-tree when it is used: "make check-fast" needs no Open vSwitch.
AC_DEFUN([VMQ_WITH_OVS_SOURCE],
  [AC_ARG_WITH([ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR|TARBALL],
        [source of Open vSwitch 3.1, 3.5 or 4.0
         @<:@that of openvswitch-source, in /usr/src/openvswitch@:>@])],
     [], [with_ovs_source=yes])
   AS_CASE([$with_ovs_source],
     [yes],
     [dnl A tarball up to Debian 12, a directory from Debian 13 on.
      OVS_SOURCE=/usr/src/openvswitch
      AS_IF([test -e $OVS_SOURCE/openvswitch.tar.gz],
            [OVS_SOURCE=$OVS_SOURCE/openvswitch.tar.gz])],
     [no], [AC_MSG_ERROR([--without-ovs-source makes no sense])],
     [/*], [OVS_SOURCE=$with_ovs_source],
     [OVS_SOURCE=`pwd`/$with_ovs_source])
   AC_SUBST([OVS_SOURCE])])

dnl VMQ_CHECK_LIBS
dnl
dnl Only the tests and tools link with these; the pure library links with
dnl libc alone.
AC_DEFUN([VMQ_CHECK_LIBS],
  [PKG_PROG_PKG_CONFIG([0.29])
   PKG_CHECK_MODULES([CMOCKA], [cmocka])
   PKG_CHECK_MODULES([JANSSON], [jansson])
   PKG_CHECK_MODULES([ZLIB], [zlib])

   AC_ARG_WITH([dpdk],
     [AS_HELP_STRING([--without-dpdk],
        [build neither the traffic generator nor a switch with DPDK])],
     [], [with_dpdk=yes])
   have_dpdk=no
   DPDK_VERSION=
   AS_IF([test "X$with_dpdk" != Xno],
     [PKG_CHECK_MODULES([DPDK], [libdpdk >= 22.11],
        [have_dpdk=yes
         DPDK_VERSION=`$PKG_CONFIG --modversion libdpdk`
         dnl -march=corei7 and the like of DPDK's own build are not ours: its
         dnl headers need SSSE3, as in Open vSwitch's own configure.
         DPDK_CFLAGS=`echo "$DPDK_CFLAGS" | $SED 's/-march=[[^ ]]*//g'`
         AS_CASE([$host_cpu], [x86_64|i?86],
           [DPDK_CFLAGS="$DPDK_CFLAGS -mssse3"])],
        [have_dpdk=no])])
   AM_CONDITIONAL([HAVE_DPDK], [test $have_dpdk = yes])

   dnl The shared DPDK's inline functions and Open vSwitch's hashing both gain
   dnl from these; they are what a distribution's DPDK package assumes anyway.
   OVS_CFLAGS=$CFLAGS
   AS_CASE([$host_cpu], [x86_64|i?86],
     [OVS_CFLAGS="$OVS_CFLAGS -msse4.2 -mpopcnt"])
   AC_SUBST([OVS_CFLAGS])])
